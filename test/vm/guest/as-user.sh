#!/bin/sh
# as-user COMMAND...: runs it as the unprivileged user "tester", with its systemd session and its D-Bus at hand.
exec setpriv --reuid=1000 --regid=1000 --init-groups --inh-caps=-all \
	env HOME=/home/tester USER=tester LOGNAME=tester SHELL=/bin/bash \
	XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"

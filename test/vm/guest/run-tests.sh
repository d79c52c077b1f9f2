#!/bin/bash
# Runs the test files that the second disk lists and writes TAP to the virtio port: each file is a subtest. The
# lines that begin with "#@" are for the host: the guest is up, this is a file's standard error, the end.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
ports=(/dev/vport*p1) # named after the place of the device on its bus
exec 3>"${ports[0]}"

modprobe -qa tun fuse loop veth bridge dummy overlay
chmod 666 /dev/net/tun /dev/fuse # as udev's rules do, which is not here
mkdir -p /project
mount -t ext4 /dev/vdb /project || exit
cd /project || exit
export PATH=/project/bin:$PATH
until [ -S /run/user/1000/bus ]; do sleep 0.1; done
echo "#@ up: Linux $(uname -r), $(systemctl --version | head -n1), $(node --version), $(systemctl is-system-running --wait)" >&3

# For the tests: they may use as-user, and the guest is thrown away when they end.
export GUEST_USER=tester TAP_TIMEOUT=120
set -a
# shellcheck disable=SC1091 # KEY=VALUE lines, of whoever started the guest
. ./environment
set +a
limit=$(<limit)
count=0
while read -r file; do
	count=$((count + 1))
	name=${file%.js}.ts
	echo "# Subtest: $name" >&3
	started=${EPOCHREALTIME/./}
	timeout -k 5 "$limit" node "$file" 2>/tmp/stderr | sed -u 's/^/    /' >&3
	status=${PIPESTATUS[0]}
	time=$(((${EPOCHREALTIME/./} - started) / 1000))
	if [ "$status" = 0 ]; then
		echo "ok $count - $name # time=${time}ms" >&3
	else
		[ "$status" != 124 ] || echo "    not ok 0 - $name did not end in $limit seconds" >&3
		echo "not ok $count - $name # time=${time}ms" >&3
		tail -n 20 /tmp/stderr | sed 's/^/#@ stderr: /' >&3
	fi
done <tests
echo "1..$count" >&3
sync # the host reads the second disk afterwards
echo "#@ end" >&3

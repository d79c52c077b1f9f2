#!/bin/sh
# Runs inside the demo's container: what the world looks like from there.
title() { printf '\n  -- %s\n' "$*"; }

title "host name: $(hostname)"
title "who am I"
id
title "all processes (I am the first)"
ps
title "network devices"
ip -o link 2>/dev/null || ls /sys/class/net
title "mounts: $(wc -l </proc/self/mounts); the first of them"
head -n 8 /proc/self/mounts
title "my root file system is read-only"
touch /new-file
title "capabilities left"
grep -E 'Cap(Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status
title "cgroup"
cat /proc/self/cgroup
echo
exit 0

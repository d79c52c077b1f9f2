#!/bin/bash
# First process of a lane's machine: new mount, pid, network, ipc, uts and cgroup namespaces (unshare(1) made them).
# It gives the namespaces their file systems, says "ready" and waits for the end of its standard input. Bash reaps what
# is reparented to it, which a first process has to do.
#
# Usage: machine.sh DIRECTORY, which has a file `cgroups`: a line "TYPE OPTIONS MOUNTPOINT" for each hierarchy.
set -euo pipefail
directory=$1

# The host's cgroups would still be in the mount table, first, and with roots that lie outside of this cgroup namespace;
# other tests' mounts are none of this machine's business.
umount --lazy --recursive /sys
while read -r point; do
	umount --lazy "$point" 2>/dev/null || true # gone with one above it
done < <(awk '$5 ~ "^/run(/|$)|^/tmp/" { print $5 }' /proc/self/mountinfo | tac)
# As on a machine that systemd has booted: engines refuse shared binds of a private root.
mount --make-rshared /
mount -t proc -o nosuid,nodev,noexec proc /proc
# Of the new network namespace: engines look for bridges there.
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
while read -r type options point; do
	mkdir -p "$point"
	mount -t "$type" -o "$options" none "$point"
done <"$directory/cgroups"

# What engines keep at fixed places goes into the lane's directory. /run is empty, as after a boot.
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 shm /dev/shm
mkdir -p /run/lock /run/user
for name in etc var root; do
	mkdir -p "$directory/$name" "$directory/work-$name"
	mount -t overlay -o "lowerdir=/$name,upperdir=$directory/$name,workdir=$directory/work-$name" overlay "/$name"
done
# /var/run is a link to /run; the overlay's /var must not hide it.
[[ -e /var/run/lock ]]

ip link set lo up
echo ready
read -r _ || true

#!/bin/sh -e
# Runs a program of the suite where the cgroup hierarchies net_cls and net_prio of version 1 are mounted beside the others
# below /sys/fs/cgroup: in a mount namespace, so that the host keeps what it has. To be called as
#
#     unshare --mount --propagation private net-cgroups.sh PROGRAM
#
# The status is the program's, or 1 where a cgroup of a container is left.
base=/sys/fs/cgroup

# Up to five seconds, for what nothing announces: a line of /proc/cgroups.
await() {
	for _ in $(seq 500); do
		grep -q "$1" /proc/cgroups && return
		sleep 0.01
	done
}

new=$(mktemp -d)
mount -t tmpfs -o mode=755 cgroups "$new"
cut -d ' ' -f 5 /proc/self/mountinfo | grep "^$base/" | while read -r point; do
	mkdir "$new/${point#"$base"/}"
	mount --move "$point" "$new/${point#"$base"/}"
done
umount $base
mount --move "$new" $base
rmdir "$new"
for controller in net_cls net_prio; do
	mkdir $base/$controller
	mount -t cgroup -o $controller $controller $base/$controller
done

status=0
"$@" || status=$?

for controller in net_cls net_prio; do
	# The suite's relative path has parents, which are nobody's to remove but its own.
	rmdir $base/$controller/testdir/cgrouptest $base/$controller/testdir 2>/dev/null || true
	left=$(find $base/$controller -mindepth 1 -type d)
	if [ -n "$left" ]; then
		echo "left behind: $left" >&2
		status=1
		find $base/$controller -depth -mindepth 1 -type d -exec rmdir {} + || true
	fi
	# A hierarchy that is unmounted while a cgroup in it is still dying stays for ever, and it goes a moment later.
	await "^$controller	[0-9]*	1	1$"
	umount $base/$controller
	await "^$controller	0	"
done
exit $status

#!/bin/busybox sh
# The initramfs: mounts the root disk and hands over to systemd.
b=/bin/busybox
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done
until [ -b /dev/vda ]; do $b usleep 10000; done
$b mount -t ext4 /dev/vda /new
exec $b switch_root /new /lib/systemd/systemd

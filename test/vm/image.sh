#!/usr/bin/env bash
# Makes the guest's disk, kernel and initramfs from Debian 12's packages, once for each version of this directory.
#
#   image.sh            prints the directory that has disk.ext4, vmlinuz and initrd
#   image.sh engines    those of an image that has the engines too, for their lanes
#
# The cache is ${VM_CACHE:-~/.cache/runtime-ts/vm}, 0.7 GB an image. Needs root (mmdebstrap, chroot) when there is none yet.
set -euo pipefail
cd "$(dirname "$0")"

cache=${VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/runtime-ts/vm}
mirror=${VM_MIRROR:-http://deb.debian.org/debian}
security=${VM_SECURITY_MIRROR:-http://deb.debian.org/debian-security}

# What the tests start inside: busybox for the rootfs, systemd with its user sessions, AppArmor, newuidmap, strace, and
# criu, with the iptables that it locks TCP connections by.
packages=(
	systemd systemd-sysv dbus dbus-user-session libpam-systemd apparmor busybox-static uidmap
	iproute2 kmod libcap2-bin libstdc++6 procps strace criu iptables
)

# The engines with what they call; the lanes start them themselves.
engines=(
	containerd docker.io podman buildah conmon runc crun containernetworking-plugins golang-github-containers-common
	slirp4netns tini curl
)

# Started by nothing else, needed by no test; together they are more than half of the time to boot.
masked=(
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
	systemd-pstore.service systemd-tmpfiles-clean.timer modprobe@.service systemd-modules-load.service
	kmod-static-nodes.service systemd-sysusers.service systemd-update-utmp.service
	systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-journal-flush.service
	systemd-remount-fs.service systemd-firstboot.service systemd-machine-id-commit.service
	systemd-boot-system-token.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
	# Without udev nobody announces the terminals that these would wait 90 seconds for.
	getty@.service serial-getty@.service
)

case "${1:-}" in
	"") size=3G ;;
	engines)
		size=5G
		packages+=("${engines[@]}")
		masked+=(
			containerd.service docker.service docker.socket podman.service podman.socket podman-restart.service
			podman-auto-update.service podman-auto-update.timer
		)
		;;
	*) echo "there is no image $1" >&2; exit 2 ;;
esac

say() { echo "test-vm: $*" >&2; }

# Everything that is not from a package.
configure() {
	local root=$1 unit
	echo guest >"$root/etc/hostname"
	echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
	: >"$root/etc/fstab"
	for unit in "${masked[@]}"; do ln -sfn /dev/null "$root/etc/systemd/system/$unit"; done
	mkdir -p "$root/etc/systemd/system-generators" "$root/etc/systemd/journald.conf.d"
	for unit in "$root"/lib/systemd/system-generators/*; do
		ln -sfn /dev/null "$root/etc/systemd/system-generators/${unit##*/}"
	done
	printf '[Journal]\nStorage=volatile\n' >"$root/etc/systemd/journald.conf.d/guest.conf"

	# The tests run as a service: its cgroup is its own, and an OOM kill in a container must not stop it.
	install -m 0755 guest/run-tests.sh "$root/usr/local/sbin/run-tests"
	install -m 0755 guest/as-user.sh "$root/usr/local/bin/as-user"
	install -m 0644 guest/tests.service "$root/etc/systemd/system/tests.service"
	ln -sfn /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
	chroot "$root" systemctl -q enable tests.service

	# An unprivileged user with subordinate ids, a session that is always there, and every controller in it.
	chroot "$root" useradd --create-home --shell /bin/bash --uid 1000 tester
	grep -q '^tester:' "$root/etc/subuid" || echo tester:100000:65536 | tee -a "$root/etc/subuid" >>"$root/etc/subgid"
	mkdir -p "$root/var/lib/systemd/linger" "$root/etc/systemd/system/user@.service.d"
	: >"$root/var/lib/systemd/linger/tester"
	printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$root/etc/systemd/system/user@.service.d/delegate.conf"
}

# Only what finds the root disk: busybox and a few modules, in the order in which they have to be loaded.
initramfs() {
	local root=$1 version=$2 output=$3 tree=$1/tmp/initramfs count=10 module word file _
	mkdir -p "$tree"/{bin,dev,new,modules}
	cp "$root/bin/busybox" "$tree/bin/"
	install -m 0755 guest/init.sh "$tree/init"
	for module in virtio_pci virtio_blk virtio_console crc32c_generic ext4; do
		while read -r word file _; do
			[[ $word == insmod ]] || continue
			compgen -G "$tree/modules/*-${file##*/}" >/dev/null || cp "$root/$file" "$tree/modules/$((count++))-${file##*/}"
		done < <(chroot "$root" modprobe --show-depends -S "$version" "$module")
	done
	chroot "$root" sh -c 'cd /tmp/initramfs && find . | busybox cpio -o -H newc' >"$output" 2>/dev/null
	rm -r "$tree"
}

build() {
	local out=$1 root=$1/root version modules kernel
	((EUID == 0)) || { say "the image is made as root, once: run make test-vm as root"; exit 1; }
	../tools/install-deps.sh vm >&2
	printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' \
		"$mirror" "$mirror" "$security" >"$out/sources.list"
	say "making the guest's image in $out (about a minute, once)"
	# The kernel is only downloaded: installed, it would bring an initramfs generator along.
	# shellcheck disable=SC2016
	mmdebstrap --mode=root --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook='chroot "$1" sh -c "cd /tmp && apt-get download \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: //p\" | head -n1)"' \
		--customize-hook='mv "$1"/tmp/linux-image-*.deb "$1"/../kernel.deb' \
		bookworm "$root" "$out/sources.list" >"$out/build.log" 2>&1 || {
		tail -n 20 "$out/build.log" >&2
		say "mmdebstrap failed"
		exit 1
	}
	dpkg-deb -x "$out/kernel.deb" "$out/kernel"
	version=$(ls "$out/kernel/lib/modules")
	kernel=$out/kernel/lib/modules/$version modules=$root/lib/modules/$version
	mv "$out/kernel/boot/vmlinuz-$version" "$out/vmlinuz"
	mkdir -p "$modules/kernel/drivers/net"
	cp -a "$kernel"/modules.* "$modules/"
	cp -a "$kernel"/kernel/{arch,block,crypto,fs,lib,mm,net} "$modules/kernel/"
	cp -a "$kernel"/kernel/drivers/{block,char,md,virtio} "$modules/kernel/drivers/"
	cp -a "$kernel"/kernel/drivers/net/{dummy,veth,tun,tap,macvlan}.ko "$modules/kernel/drivers/net/"
	chroot "$root" depmod "$version"
	configure "$root"
	initramfs "$root" "$version" "$out/initrd"
	mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1,nodiscard -d "$root" "$out/disk.ext4" "$size" >>"$out/build.log" 2>&1
	rm -r "$root" "$out/kernel" "$out/kernel.deb"
}

[[ $(uname -m) == x86_64 ]] || { say "there is a guest for x86-64 only"; exit 1; }
key=$({ cat image.sh guest/*; echo "$mirror $security ${1:-}"; } | sha256sum | cut -c1-16)
image=$cache/$key
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
if [[ ! -e $image/done ]]; then
	fresh=$cache/new
	rm -rf "$fresh"
	mkdir "$fresh"
	trap 'rm -rf "$fresh"' EXIT
	build "$fresh"
	touch "$fresh/done"
	mv "$fresh" "$image"
	# Images that nobody has used for two weeks.
	find "$cache" -mindepth 2 -maxdepth 2 -name done -mtime +14 -printf '%h\0' | xargs -0r rm -rf
fi
touch "$image/done"
echo "$image"

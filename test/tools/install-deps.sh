#!/usr/bin/env bash
# Installs the Debian packages that the given parts of the work need, where they are missing.
#
#   install-deps.sh build|test|lint|bench|vm|engines ...
#
# Says nothing and needs no root when nothing is missing. Node and npm are expected to be there: which ones is the
# user's choice (Node >= 20).
set -euo pipefail

missing=()

# need PACKAGE TEST...: the package, unless the test succeeds
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

has() { command -v "$1"; }

header() { echo "#include <$1>" | c++ -x c++ -fsyntax-only -; }

# Asked of the linker, not of the file system: where a static library lies differs by architecture.
static_library() { [[ $(c++ -print-file-name="$1") == /* ]]; }

for part in "$@"; do
	case $part in
	build)
		need g++ has c++
		need make has make
		# node-gyp is a Python program.
		need python3 has python3
		need libseccomp-dev static_library libseccomp.a
		need rapidjson-dev header rapidjson/document.h
		;;
	test)
		need busybox-static test -x /bin/busybox
		need uidmap has newuidmap
		need iproute2 has ip
		need procps has ps
		;;
	lint)
		need clang-format has clang-format
		need clang-tidy has clang-tidy
		;;
	bench)
		need busybox-static test -x /bin/busybox
		need crun has crun
		need runc has runc
		;;
	vm)
		need busybox-static test -x /bin/busybox
		need qemu-system-x86 has qemu-system-x86_64
		need mmdebstrap has mmdebstrap
		need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
		need e2fsprogs has mkfs.ext4
		need secilc has secilc
		;;
	engines)
		need containerd has containerd
		need docker.io has dockerd
		need podman has podman
		need buildah has buildah
		need conmon has conmon
		need runc has runc
		need containernetworking-plugins test -x /usr/lib/cni/bridge
		need iptables has iptables
		need slirp4netns has slirp4netns
		# What --init of the engines runs.
		need tini test -x /usr/bin/tini-static
		need curl has curl
		;;
	*)
		echo "usage: $0 build|test|lint|bench|vm|engines ..." >&2
		exit 2
		;;
	esac
done

if [[ " $* " == *" build "* ]] && ! { has node && has npm; } >/dev/null; then
	echo "runtime-ts is built with Node 20 or newer and npm: install them first (https://nodejs.org)" >&2
	exit 1
fi

((${#missing[@]})) || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if ! has apt-get >/dev/null; then
	echo "missing: ${missing[*]} (Debian's names). Install what your distribution calls them, then try again." >&2
	exit 1
fi

as_root=()
if ((EUID != 0)); then
	if ! has sudo >/dev/null; then
		echo "missing: ${missing[*]}. As root: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

install_missing() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# The packages of engines start their services and enable them for the next boot. The tests start engines of their own,
# so for the time of the installation nothing is started, and what the packages enabled is disabled again.
policy=/usr/sbin/policy-rc.d
remove_policy() { "${as_root[@]}" rm -f "$policy"; }
enabled_units() { systemctl list-unit-files --state=enabled --no-legend 2>/dev/null | cut -d ' ' -f 1 | sort; }
quietly() {
	local before status=0 unit
	before=$(enabled_units)
	if [[ ! -e $policy ]]; then
		# Left behind by ^C it would keep the machine from starting any service of any package.
		trap remove_policy EXIT
		# Errors are returned: `set -e` is off in what stands before an ||.
		printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null || return 1
		"${as_root[@]}" chmod 755 "$policy" || return 1
	fi
	"$@" || status=$?
	while read -r unit; do
		"${as_root[@]}" systemctl disable "$unit" >/dev/null 2>&1
	done < <(comm -13 <(echo "$before") <(enabled_units))
	return "$status"
}

echo "installing ${missing[*]}"
# A fresh machine has no package lists, an old one has lists that name packages which are gone: fetch them, then again.
with=()
[[ " $* " != *" engines "* ]] || with=(quietly)
"${with[@]}" install_missing >/dev/null 2>&1 || {
	"${as_root[@]}" apt-get update -q
	"${with[@]}" install_missing
}

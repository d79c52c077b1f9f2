#!/usr/bin/env bash
# The demo: makes a bundle in build/demo, lets runtime-ts check and explain it, and runs a container from it.
# Each command is shown before it runs. RUNTIME=PATH chooses another runtime binary.
set -euo pipefail
cd "$(dirname "$0")/../.."

runtime=${RUNTIME:-build/runtime-ts}
bundle=build/demo
id=demo-$$

if ((EUID != 0)); then
	echo "The demo runs a container as root. Try: sudo make demo" >&2
	exit 1
fi
if [[ ! -x /bin/busybox ]]; then
	echo "The demo's root file system is busybox. Try: apt-get install busybox-static" >&2
	exit 1
fi
if [[ ! -x $runtime ]]; then
	echo "$runtime is not there. Try: make" >&2
	exit 1
fi

say() { printf '\n# %s\n' "$*"; }

show() {
	printf '$ %s\n' "$*"
	"$@"
}

clean() { "$runtime" delete --force "$id" >/dev/null 2>&1 || true; }
trap clean EXIT

say "A bundle is a directory with a root file system and a config.json. The root file system here is busybox:"
rm -rf "$bundle"
mkdir -p "$bundle"/rootfs/{bin,dev,etc,proc,root,sys,tmp}
cp /bin/busybox "$bundle/rootfs/bin/busybox"
# The applets link to the busybox inside the container, which is why the links are made by name and not installed.
for applet in $(/bin/busybox --list); do
	[[ $applet == busybox ]] || ln -s busybox "$bundle/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$bundle/rootfs/etc/passwd"
echo 'root:x:0:' >"$bundle/rootfs/etc/group"
cp test/demo/inside.sh "$bundle/rootfs/demo.sh"
show ls "$bundle/rootfs"

say "config.json says what the container is; runtime-ts writes a first one:"
show "$runtime" spec --bundle "$bundle"

say "The demo edits it: the program to run, the host name, a cgroup with limits, a terminal if there is one."
terminal=false
[[ -t 0 && -t 1 ]] && terminal=true
show node_modules/.bin/bun test/demo/edit-config.ts "$bundle/config.json" "$terminal"

say "Is it right? (Change something in $bundle/config.json and ask again.)"
show "$runtime" validate "$bundle"

say "What would be done with it? Nothing is touched yet; these are the first steps of the plan:"
printf '$ %s | head -n 25\n' "$runtime explain --bundle $bundle"
explanation=$("$runtime" explain --bundle "$bundle")
head -n 25 <<<"$explanation"

say "Now for real:"
show "$runtime" run --bundle "$bundle" "$id"

say "The container is gone, and nothing of it is left:"
show "$runtime" list
cat <<END

Try by hand (as root):
  $runtime run $bundle                     the same again
  $runtime explain --bundle $bundle --json | less
  $runtime --help
END

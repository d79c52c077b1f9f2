#!/usr/bin/env bash
# Runs integration tests in a virtual machine that has what this host may not: systemd as PID 1, cgroup v2 with every
# controller, AppArmor, an unprivileged user with subordinate ids. Closes with `N passed, N failed, N skipped`.
#
#   test/vm/run.sh                the tests whose answer depends on the machine (the list below)
#   test/vm/run.sh ci             a selection that fits into CI's time
#   test/vm/run.sh all|FILE...    all integration tests; these
#
# VM_APPEND   more kernel arguments: systemd.unified_cgroup_hierarchy=0 boots with the hybrid layout of cgroups, together
#             with systemd.legacy_systemd_cgroup_controller=1 with plain v1; apparmor=0 without AppArmor;
#             "security=selinux selinux=1" with SELinux in its place (labels.test.ts, which brings the policy)
# VM_LIMIT    seconds for everything (1500), VM_FILE_LIMIT seconds for one file (300)
# VM_IMAGE    another image of test/vm/image.sh; VM_MEMORY the guest's memory (2G); VM_ENVIRONMENT lines KEY=VALUE for the
#             tests; VM_OUT a directory for this run in place of build/vm, where the results are; VM_FETCH a directory of
#             the project that the tests wrote to in the guest, copied there
#
# The processor is emulated (qemu's TCG), whether the host has KVM or not, so that all machines give the same answers: the
# guest boots in about 15 s and runs programs ten times slower than the host.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "test-vm: $*" >&2; }

case "${1:-}" in
	"") mapfile -t files < <(sed 's/#.*//; s/ *$//; /^$/d' test/vm/selection) ;;
	ci) mapfile -t files < <(sed -n 's/ *# ci$//p' test/vm/selection) ;;
	all) mapfile -t files < <(find test/integration -name '*.test.ts' | sort) ;;
	*) files=("$@") ;;
esac
arguments=("$@")
limit=${VM_LIMIT:-1500}
boot_limit=180

test/tools/install-deps.sh vm
image=$(test/vm/image.sh ${VM_IMAGE:+"$VM_IMAGE"})
out=${VM_OUT:-$PWD/build/vm}
mkdir -p "$out"
exec 8>"$out/lock"
flock -n 8 || { say "another run uses $out"; exit 1; }
test/vm/pack.sh "$out" "${VM_FILE_LIMIT:-300}" "${files[@]}"
tap=$out/test.tap console=$out/console
: >"$tap"
: >"$console"

# norandmaps: every program at new addresses makes TCG translate its libraries anew (three times slower).
# tsc=reliable: otherwise the clock is the HPET, an exit from the guest for every look at it. la57 and more than two
# processors only cost time.
# pdeathsig: qemu ends with this script, however that ends.
setpriv --pdeathsig KILL qemu-system-x86_64 \
	-machine pc -accel tcg,thread=multi,tb-size=512 -cpu max,la57=off -smp 2 -m "${VM_MEMORY:-2G}" \
	-nodefaults -no-user-config -no-reboot -display none \
	-kernel "$image/vmlinuz" -initrd "$image/initrd" \
	-append "console=ttyS0 quiet loglevel=4 panic=-1 tsc=reliable norandmaps mitigations=off random.trust_cpu=on systemd.unified_cgroup_hierarchy=1 apparmor=1 security=apparmor ${VM_APPEND:-}" \
	-drive file="$image/disk.ext4",format=raw,if=none,id=disk,cache=unsafe,snapshot=on -device virtio-blk-pci,drive=disk \
	-drive file="$out/project.ext4",format=raw,if=none,id=project,cache=unsafe -device virtio-blk-pci,drive=project \
	-device virtio-serial-pci -chardev file,id=tap,path="$tap" -device virtserialport,chardev=tap \
	-serial file:"$console" </dev/null >"$out/qemu.log" 2>&1 8>&- &
qemu=$!
trap 'kill -KILL $qemu 2>/dev/null || true; rm -f "$out/project.ext4"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

running() { kill -0 $qemu 2>/dev/null; }

give_up() {
	say "$1; the end of its console ($console):"
	tail -n 25 "$console" "$out/qemu.log" >&2
	exit 1
}

# Of thousands of boots of an emulated machine some hang: that says nothing of what is tested, so there is a second one.
boot_again() {
	[[ -z ${VM_SECOND_BOOT:-} ]] || give_up "$1"
	say "$1; booting once more"
	kill -KILL $qemu 2>/dev/null || true
	wait $qemu 2>/dev/null || true
	exec 8>&-
	VM_SECOND_BOOT=1 exec test/vm/run.sh "${arguments[@]}"
}

started=$SECONDS
until grep -q '^#@ up' "$tap"; do
	running || boot_again "the guest ended before it was up"
	((SECONDS - started < boot_limit)) || boot_again "the guest is not up after $boot_limit seconds"
	sleep 0.2
done
say "$(sed -n 's/^#@ up: //p' "$tap") ($((SECONDS - started)) s to boot)"

# One line for each test while they run.
tail -n +1 -f --pid=$qemu "$tap" 2>/dev/null 8>&- | sed -un 's/^    \(\(not \)\?ok [0-9]* - .*\)/\1/p; s/^# Subtest: //p; s/^#@ stderr: /  /p' &
printer=$!
while running && ((SECONDS - started < limit)); do sleep 0.5; done
status=0
if running; then
	say "the tests did not end in $limit seconds"
	kill -KILL $qemu
	status=124
elif ! grep -q '^#@ end' "$tap"; then
	say "the guest ended before the tests did; the end of its console ($console):"
	tail -n 25 "$console" >&2
	status=125
fi
wait $qemu 2>/dev/null || true
wait $printer || true
say "$((SECONDS - started)) s in the guest"
[[ -z ${VM_FETCH:-} ]] || debugfs -R "rdump /$VM_FETCH $out" "$out/project.ext4" >>"$out/qemu.log" 2>&1
node_modules/.bin/bun test/report.ts "$tap" "$status"

#!/usr/bin/env bash
# Runs the lanes of the engines in the project's guest, one after the other, each in a guest of its own: systemd as PID 1,
# its driver for the cgroups, cgroup v2, AppArmor, every capability, a kernel that criu knows. See test/vm/run.sh.
#
#   test/engines/vm.sh [ENGINE...]     containerd cri docker podman podman-rootless buildah buildah-rootless
#
# RUNTIME   build/runtime-ts, or a program of the guest's image: /usr/sbin/runc, /usr/bin/crun
# TEST      a regular expression: only the tests whose names match
# TABLE     a file that gets the result of each test, as test/engines/runc-v2.md has runc's
set -euo pipefail
cd "$(dirname "$0")/../.."
runtime=${RUNTIME:-build/runtime-ts}

engines=("$@")
((${#engines[@]})) || engines=(containerd cri docker podman podman-rootless buildah buildah-rootless)
# A lane takes a quarter of an hour: programs run ten times slower than on the host.
limit=2400
results=$PWD/build/engines/vm/${runtime##*/}
taps=()
failed=0
for engine in "${engines[@]}"; do
	lane=test/engines/$engine.lane.ts
	[[ -e $lane ]] || { echo "there is no lane for $engine" >&2; exit 2; }
	echo "== $engine, with $runtime"
	VM_IMAGE=engines VM_MEMORY=3G VM_LIMIT=$((limit + 60)) VM_FILE_LIMIT=$limit VM_OUT=$results/$engine VM_FETCH=build/engines \
		VM_ENVIRONMENT="RUNTIME=$runtime PATIENCE=6 TAP_TIMEOUT=$limit${TEST:+ TAP_GREP='/$TEST/'}" \
		test/vm/run.sh "$lane" | { grep --line-buffered -v "# SKIP filter:\|^skipped .*: filter: " || true; } || failed=1
	taps+=("$results/$engine.tap")
	cp "$results/$engine/test.tap" "${taps[-1]}"
done
node_modules/.bin/bun test/engines/table.ts "$runtime" runc-v2.md "${TABLE:-}" "${taps[@]}"
exit "$failed"

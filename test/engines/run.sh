#!/usr/bin/env bash
# Runs the lanes of the engines, one after the other, with the runtime RUNTIME (build/runtime-ts). Root only.
#
#   test/engines/run.sh [ENGINE...]     containerd cri docker podman podman-rootless buildah buildah-rootless
#
# TABLE   a file that gets the result of each test, as test/engines/runc.md has runc's
set -euo pipefail
cd "$(dirname "$0")/../.."
unset NODE_EXTRA_CA_CERTS
export RUNTIME=${RUNTIME:-build/runtime-ts}

engines=("$@")
((${#engines[@]})) || engines=(containerd cri docker podman podman-rootless buildah buildah-rootless)
results=build/engines/$(basename "$RUNTIME")
mkdir -p "$results"
failed=0
for engine in "${engines[@]}"; do
	lane=test/engines/$engine.lane.ts
	[[ -e $lane ]] || { echo "there is no lane for $engine" >&2; exit 2; }
	echo "== $engine, with $RUNTIME"
	status=0
	node_modules/.bin/tap run --reporter=tap --timeout=900 "$lane" >"$results/$engine.tap" 2>"$results/$engine.err" || status=$?
	node_modules/.bin/bun test/report.ts "$results/$engine.tap" "$status" || failed=1
done
mapfile -t taps < <(printf "$results/%s.tap\n" "${engines[@]}")
node_modules/.bin/bun test/engines/table.ts "$RUNTIME" runc.md "${TABLE:-}" "${taps[@]}"
exit "$failed"

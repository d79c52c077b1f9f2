#!/usr/bin/env bash
# Runs the tests and closes with one line, `N passed, N failed, N skipped`; every skip is listed with its reason.
# Usage: test/run.sh [unit|integration|FILE...]
set -euo pipefail
cd "$(dirname "$0")/.."
# Set, it makes every Node that a test starts read a certificate bundle first (45 ms).
unset NODE_EXTRA_CA_CERTS

case "${1:-all}" in
	all) mapfile -t files < <(find test -name '*.test.ts' | sort) ;;
	unit) mapfile -t files < <(find test -name '*.test.ts' -not -path 'test/integration/*' | sort) ;;
	integration) mapfile -t files < <(find test/integration -name '*.test.ts' | sort) ;;
	*) files=("$@") ;;
esac

mkdir -p build
status=0
node_modules/.bin/tap run --reporter=tap --timeout=300 --jobs="$(nproc)" "${files[@]}" >build/test.tap 2>build/test.err || status=$?
node_modules/.bin/bun test/report.ts build/test.tap "$status"

#!/usr/bin/env bash
# Makes the guest's second disk: the part of the project that the tests need, as plain JavaScript, and Node to run it.
#
#   pack.sh DIRECTORY SECONDS FILE...     DIRECTORY/project.ext4; each test file gets SECONDS
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$1 limit=$2
shift 2
bin=node_modules/.bin
tree=$out/project
rm -rf "$tree" "$out/project.ext4"
mkdir -p "$tree"/{bin,build/test,node_modules/tap,node_modules/react-element-to-jsx-string,test/support}

# Nothing in the guest compiles: neither TypeScript, which would be slow there, nor C.
$bin/tsc -p tsconfig.json --noCheck --noEmit false --rootDir . --outDir "$tree"
cp package.json "$tree/"
cp -r test/support/programs "$tree/test/support/"
cp test/engines/machine.sh "$tree/test/engines/"
$bin/bun -e 'for (const name of ["probe", "terminal", "kernel", "held"]) (await import("./test/support/programs.ts")).program(name)'
cp -a build/test/. "$tree/build/test/"
# For a guest with SELinux (VM_APPEND), which comes up without any policy.
secilc -c 33 -f /dev/null -o "$tree/build/test/selinux.policy" test/support/selinux.cil
cp build/runtime-ts "$tree/build/"

# tap as one file, which Node reads in a tenth of the time. tcompare asks for a printer of React elements, at load time.
$bin/bun build node_modules/tap/dist/esm/index.js --target=node --outfile="$tree/node_modules/tap/index.js" >/dev/null
echo '{"name":"tap","type":"module","main":"index.js"}' >"$tree/node_modules/tap/package.json"
echo 'module.exports = {}' >"$tree/node_modules/react-element-to-jsx-string/index.js"

cp "$(node -p process.execPath)" "$tree/bin/node"
echo "$limit" >"$tree/limit"
# tap's own limit for a file comes first: it names the test that was running.
printf '%s\n' "TAP_TIMEOUT=$((limit - 20))" "${VM_ENVIRONMENT:-}" >"$tree/environment"
for file; do
	file=${file#"$PWD/"}
	[[ -f $file && -f $tree/${file%.ts}.js ]] || { echo "test-vm: no test file $file" >&2; exit 1; }
	echo "${file%.ts}.js"
done >"$tree/tests"
truncate -s "$(($(du -sm "$tree" | cut -f1) * 5 / 4 + 64))M" "$out/project.ext4"
mkfs.ext4 -q -F -O ^has_journal -d "$tree" "$out/project.ext4"
rm -r "$tree"

#!/usr/bin/env bash
# clang-tidy over the C++ of the addon and the init, with the flags of binding.gyp; several files at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
# Where node-gyp took them from: beside node, or the copy it fetched.
headers=
for directory in "$prefix/include/node" "$HOME"/.cache/node-gyp/*/include/node; do
	if [ -z "$headers" ] && [ -f "$directory/node_api.h" ]; then headers=$directory; fi
done
if [ -z "$headers" ]; then
	echo "clang-tidy: no node_api.h beside node or in ~/.cache/node-gyp: build the addon first (make addon)" >&2
	exit 1
fi
flags=(-std=c++20 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_DEPRECATED
	-DNAPI_DISABLE_CPP_EXCEPTIONS -fno-exceptions -fno-rtti -Iaddon
	-isystem node_modules/node-addon-api -isystem "$headers")
find addon -name '*.cc' -print0 |
	xargs -0 -n 4 -P "$(nproc)" sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- '"$(printf '%q ' "${flags[@]}")"' 2>/dev/null' sh

#!/usr/bin/env bash
# Makes build/gpu: all that scripts/gpu/check.sh needs on a machine with a GPU but without Node and without a network.
# Run `npm ci` first. The reference numbers come from XLA's CPU plugin, which is fetched if it is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=build/gpu
limit_mib=64
rm -rf "$out"
mkdir -p "$out/node_modules/@koromix"

# The gradients of tfjs that the program is bundled with are made by the build.
npm run --silent build
npx esbuild scripts/gpu/check.ts --bundle --platform=node --format=esm --target=node20 \
  --external:koffi --log-level=error --outfile="$out/check.mjs" \
  --banner:js="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
cp -rL node_modules/koffi "$out/node_modules/koffi"
cp -rL node_modules/@koromix/koffi-linux-x64 "$out/node_modules/@koromix/koffi-linux-x64"
# Sources and documentation are not needed to run it.
rm -rf "$out/node_modules/koffi/doc" "$out/node_modules/koffi/vendor"

node "$out/check.mjs" reference "$out/reference.json"

# The program itself, without its debug symbols, as small as it gets.
node_binary=$(node -p process.execPath)
if command -v strip >/dev/null; then
  strip --strip-unneeded -o "$out/node" "$node_binary"
else
  cp -L "$node_binary" "$out/node"
fi
xz -T0 -6 "$out/node"

size=$(du -sm "$out" | cut -f1)
echo "$out: $size MiB"
if [ "$size" -gt "$limit_mib" ]; then
  echo "$out is larger than $limit_mib MiB, and would not be carried." >&2
  exit 1
fi

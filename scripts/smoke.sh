#!/usr/bin/env bash
# A smoke run for a continuous integration: trains a small network on random labels until they are fitted, in less than
# 20 seconds, and fails if it could not, or if it knew the test images all the same.
#
#   scripts/smoke.sh [key.path=value …]      scripts/smoke.sh engine.name=xla
#
# Exit code: that of `rethink-gen run`; 1 where the numbers are not as expected.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
rethink_gen=${RETHINK_GEN:-$root/bin/rethink-gen.js}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$rethink_gen" run "$root/configs/smoke.json" --out "$out" --quiet \
  --expect 'train_accuracy>=0.95' \
  --expect 'test_accuracy<=0.25' \
  "$@"

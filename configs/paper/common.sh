# What scaled.sh and full.sh share; sets `here` and `rethink_gen`, and wants `results` set.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rethink_gen=${RETHINK_GEN:-"$here/../../bin/rethink-gen.js"}
failed=()

# A trial that fails is told at the end; what it has nothing to do with goes on. An interruption ends all.
run() {
  local config=$1 code=0
  shift
  echo "== $config $*" >&2
  "$rethink_gen" run "$here/$config" --out "$results" "$@" || code=$?
  case $code in
    0) ;;
    130 | 143) exit "$code" ;;
    *) failed+=("$config") ;;
  esac
}

# The report of all, and what failed.
finish() {
  "$rethink_gen" report "$results" || failed+=(report)
  if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
  fi
}

# Smaller names for what a row or a curve of the paper is made of.
deep='model.name: mlp, model.hidden: [512, 512, 512]'
decay='regularization.weightDecay: 0.0005'
random='corruption.kind: random-labels'
crop='regularization.augment: crop'

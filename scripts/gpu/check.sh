#!/usr/bin/env bash
# Checks and measures the xla engine on a machine that has a GPU, PyTorch and JAX, but neither Node nor a network, and that
# one has for half an hour.
#
#   scripts/gpu/pack.sh                       where there is Node: makes build/gpu
#   scripts/gpu/check.sh                      where there is a GPU: all parts in 40 minutes; those that are done already, not
#   scripts/gpu/check.sh numerics             the losses of a few steps against a CPU's
#   scripts/gpu/check.sh bench MODEL PRECISION   ours, PyTorch and JAX side by side: inception alexnet mlp, float32 tf32 bfloat16
#   scripts/gpu/check.sh fit                  configs/random-labels.json on all 50,000 images, until they are learned by heart
#   scripts/gpu/check.sh table                what has been measured, as a table
#
# Each part takes less than 8 minutes. One that is cut short goes on where it was when it is called again: every measurement is
# a file of its own in OUT.
#
# Environment: OUT (results/gpu), PYTHON (python3), MODELS, PRECISIONS, FORMS of PyTorch, RETHINK_GEN_PJRT_PLUGIN (default: the
# plugin of that Python's JAX), RETHINK_GEN_DATA (the folder of CIFAR-10), PART_SECONDS (460), ALL_SECONDS (2400).
set -euo pipefail
cd "$(dirname "$0")/../.."

pack=$PWD/build/gpu
out=${OUT:-results/gpu}
python=${PYTHON:-python3}
models=${MODELS:-inception alexnet mlp}
precisions=${PRECISIONS:-float32 tf32 bfloat16}
forms=${FORMS:-eager-channels_last compile-channels_last compile-nchw eager-nchw}
# When this part has to be at its end, in seconds after the start of the script.
deadline=${PART_SECONDS:-460}
if [ ! -f "$pack/check.mjs" ]; then
  echo "$pack is missing: make it with scripts/gpu/pack.sh where there is Node." >&2
  exit 2
fi
mkdir -p "$out/bench"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- The carried program runs, and finds a plugin --------------------------------------------------------------------
# Unpacked by Python, as a bare machine may have no xz; once for all parts.
node=$out/node
if [ ! -x "$node" ]; then
  "$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' \
    "$pack/node.xz" "$work/node"
  chmod +x "$work/node"
  mv "$work/node" "$node"
fi
echo "node $("$node" --version)"
gpu=yes
if ! nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null; then
  gpu=
  echo 'no NVIDIA GPU: ours alone is measured, on the CPU'
fi

# Nothing can be fetched from here: a missing plugin is an error at once.
export RETHINK_GEN_NO_INSTALL=1
if [ -n "$gpu" ] && [ -z "${RETHINK_GEN_PJRT_PLUGIN:-}" ]; then
  plugin=$("$python" - <<'PYTHON'
import os, sys
for variant in ('cuda13', 'cuda12'):
    for folder in sys.path:
        path = os.path.join(folder, 'jax_plugins', f'xla_{variant}', 'xla_cuda_plugin.so')
        if os.path.exists(path):
            print(path)
            sys.exit()
PYTHON
  )
  if [ -n "$plugin" ]; then export RETHINK_GEN_PJRT_PLUGIN=$plugin; fi
fi
# ptxas of the machine's own CUDA, where the plugin has none beside it.
if [ -z "${CUDA_HOME:-}" ]; then
  for cuda in /usr/local/cuda /opt/cuda /usr/lib/cuda; do
    if [ -x "$cuda/bin/ptxas" ]; then
      export CUDA_HOME=$cuda
      break
    fi
  done
fi
echo "plugin ${RETHINK_GEN_PJRT_PLUGIN:-(installed by rethink-gen)}, CUDA ${CUDA_HOME:-(that of the plugin)}"
export XLA_PYTHON_CLIENT_PREALLOCATE=false

check() { timeout "$(remaining)" "$node" "$pack/check.mjs" "$@"; }

# Seconds that are left of this part, at least one.
remaining() { echo $((deadline - SECONDS > 1 ? deadline - SECONDS : 1)); }

# --- Numerics: the losses of a few steps against the CPU's -----------------------------------------------------------
numerics() {
  check numerics "$pack/reference.json" | tee "$work/numerics.txt" || return 1
  mv "$work/numerics.txt" "$out/numerics.txt"
}

# --- Side by side: a file for each program that is measured ----------------------------------------------------------
# measure NAME COMMAND...: what was measured before stays; one that fails leaves a gap, not an end to the others.
measure() {
  local file=$out/bench/$1.json
  shift
  if [ -s "$file" ]; then return; fi
  if [ "$(remaining)" -lt 20 ]; then
    echo "no time left for $file: call this part again" >&2
    late=yes
    return
  fi
  if timeout "$(remaining)" "$@" >"$work/measured" 2>>"$out/log.txt" && [ -s "$work/measured" ]; then
    mv "$work/measured" "$file"
    cat "$file"
  else
    echo "failed: $* (see $out/log.txt)" >&2
    failed=yes
  fi
}

bench() {
  local model=$1 precision=$2 peer late='' failed=''
  if [ -z "$gpu" ] && [ "$precision" = tf32 ]; then
    echo 'tf32 is for GPUs'
    return
  fi
  measure "$model-$precision-ours" "$node" "$pack/check.mjs" bench "$model" "$precision"
  if [ -n "$gpu" ]; then
    peer=(--model "$model" --device cuda)
    case $precision in
      tf32) peer+=(--precision float32 --tf32) ;;
      *) peer+=(--precision "$precision") ;;
    esac
    measure "$model-$precision-jax" "$python" scripts/bench/jax_step.py --form loop "${peer[@]}"
    for form in $forms; do
      measure "$model-$precision-$form" "$python" scripts/bench/torch_step.py --form "$form" "${peer[@]}"
    done
  fi
  [ -z "$late$failed" ]
}

# --- Fit: seconds until all random labels are learned ----------------------------------------------------------------
fit() {
  # It stops by itself, with what it goes on from; evaluation and compiling take their time beside.
  check fit "$out/fit" "$(($(remaining) - 60))" | tee -a "$out/fit.txt"
}

table() {
  local measured=("$out"/bench/*.json)
  if [ ! -e "${measured[0]}" ]; then
    echo 'nothing has been measured yet' >&2
    return 1
  fi
  "$node" "$pack/check.mjs" table "${measured[@]}" | tee "$out/table.txt"
}

# --- All of them, in the time that there is --------------------------------------------------------------------------
status=0
all() {
  local end=${ALL_SECONDS:-2400} most=${PART_SECONDS:-460} parts=() model precision
  if [ ! -f "$out/numerics.txt" ]; then parts+=(numerics); fi
  if ! grep -qs '^100 %' "$out/fit.txt"; then parts+=(fit); fi
  for precision in $precisions; do
    for model in $models; do parts+=("bench $model $precision"); done
  done
  for part in "${!parts[@]}"; do
    # Measurements have an even share of what is left: what one doesn't use, the others have.
    local share=$(((end - SECONDS) / (${#parts[@]} - part)))
    case ${parts[part]} in
      bench*) ;;
      *) share=$most ;;
    esac
    deadline=$((SECONDS + (share < most ? share : most)))
    echo "--- ${parts[part]}"
    # shellcheck disable=SC2086 # a part and its arguments
    ${parts[part]} || status=1
  done
  table || status=1
}

case ${1:-all} in
  all | numerics | fit | table) "${1:-all}" || status=1 ;;
  bench)
    if [ $# -ne 3 ]; then
      echo 'usage: scripts/gpu/check.sh bench MODEL PRECISION' >&2
      exit 2
    fi
    bench "$2" "$3" || status=1
    ;;
  *)
    echo "there is no part '$1': numerics, bench MODEL PRECISION, fit, table, or none for all" >&2
    exit 2
    ;;
esac
exit "$status"

#!/usr/bin/env bash
# Checks and measures the xla engine on a machine that has a GPU, PyTorch and JAX, but neither Node nor a network.
#
#   scripts/gpu/pack.sh             where there is Node: makes build/gpu
#   scripts/gpu/check.sh [OUT]      where there is a GPU: writes results.jsonl and table.txt into OUT
#
# Environment: PYTHON (python3), MODELS, PRECISIONS, FORMS of PyTorch, RETHINK_GEN_PJRT_PLUGIN (default: the plugin of
# that Python's JAX).
set -euo pipefail
cd "$(dirname "$0")/../.."

pack=$PWD/build/gpu
out=${1:-results/gpu}
python=${PYTHON:-python3}
models=${MODELS:-inception alexnet mlp}
precisions=${PRECISIONS:-float32 tf32 bfloat16}
forms=${FORMS:-eager-nchw eager-channels_last compile-nchw compile-channels_last}
if [ ! -f "$pack/check.mjs" ]; then
  echo "$pack is missing: make it with scripts/gpu/pack.sh where there is Node." >&2
  exit 2
fi
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- Build check: the carried program runs, and finds a plugin -------------------------------------------------------
# Python's own decompressor: a bare machine may have no xz.
"$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' \
  "$pack/node.xz" "$work/node"
chmod +x "$work/node"
node=$work/node
echo "node $("$node" --version)"
device=cuda
if ! nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null; then
  echo 'no NVIDIA GPU: all is measured on the CPU'
  device=cpu
fi

export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$work/cache}
# Nothing can be fetched from here: a missing plugin is an error at once.
export RETHINK_GEN_NO_INSTALL=1
if [ -z "${RETHINK_GEN_PJRT_PLUGIN:-}" ]; then
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
echo "plugin ${RETHINK_GEN_PJRT_PLUGIN:-none}"

# --- Numerics: the losses of a few steps against the CPU's -----------------------------------------------------------
status=0
"$node" "$pack/check.mjs" numerics "$pack/reference.json" | tee "$out/numerics.txt" || status=1

# --- Side by side ----------------------------------------------------------------------------------------------------
results=$out/results.jsonl
: >"$results"
measure() {
  # One that fails leaves a gap in the table, not an end to the others.
  "$@" >>"$results" 2>>"$out/log.txt" || echo "failed: $* (see $out/log.txt)" >&2
}
export XLA_PYTHON_CLIENT_PREALLOCATE=false
for model in $models; do
  for precision in $precisions; do
    measure "$node" "$pack/check.mjs" bench "$model" "$precision"
    peer=(--model "$model" --device "$device")
    case $precision in
      tf32) peer+=(--precision float32 --tf32) ;;
      *) peer+=(--precision "$precision") ;;
    esac
    for form in $forms; do
      measure "$python" scripts/bench/torch_step.py --form "$form" "${peer[@]}"
    done
    measure "$python" scripts/bench/jax_step.py --form loop "${peer[@]}"
  done
done

"$node" "$pack/check.mjs" table "$results" | tee "$out/table.txt"
exit "$status"

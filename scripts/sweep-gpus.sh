#!/usr/bin/env bash
# Runs a batch of configs on this machine's GPUs, one run to a GPU; the next config starts when a GPU is free.
#
#   scripts/sweep-gpus.sh [-g 0,1,2,3] [-o RESULTS] [-l LOGS] CONFIG… [-- key.path=value …]
#
#   -g  GPUs to use; default: CUDA_VISIBLE_DEVICES, else all that nvidia-smi lists
#   -o  root of the run directories (default: results)
#   -l  folder of the logs, one for each config (default: RESULTS/logs)
#
# What follows `--` goes to every run. Exit code: 0 if all runs ended well, 1 if one did not (the others still run),
# 130 or 143 if stopped: the runs then write a checkpoint each, and `rethink-gen resume RUN_DIR` goes on.
set -euo pipefail

usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
}

gpus=${CUDA_VISIBLE_DEVICES:-}
results=results
logs=
while getopts ':g:o:l:h' option; do
  case $option in
    g) gpus=$OPTARG ;;
    o) results=$OPTARG ;;
    l) logs=$OPTARG ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
configs=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  configs+=("$1")
  shift
done
[ $# -gt 0 ] && shift
overrides=("$@")
[ ${#configs[@]} -gt 0 ] || usage

if [ -z "$gpus" ]; then
  gpus=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | paste -sd, -) || gpus=
fi
IFS=', ' read -r -a free <<<"$gpus"
if [ ${#free[@]} -eq 0 ]; then
  echo 'No GPU was found: name them with -g.' >&2
  exit 2
fi
rethink_gen=${RETHINK_GEN:-$(dirname "$0")/../bin/rethink-gen.js}
logs=${logs:-$results/logs}
mkdir -p "$logs"
for config in "${configs[@]}"; do
  # A typing error in the last file should not show after a night.
  "$rethink_gen" validate "$config" "${overrides[@]}" >/dev/null
done

declare -A gpu_of=() config_of=() log_of=()
failed=0
stopped=0
# Each run in a process group of its own: a Ctrl-C reaches this script alone, which passes it on. A run that got it
# from the terminal, too, would take it for the second one and end without a checkpoint.
set -m

stop() {
  stopped=$1
  echo "Stopping all runs (${#gpu_of[@]}) after a checkpoint each; a second signal stops them at once." >&2
  for pid in "${!gpu_of[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP

start() {
  local number=$1 config=${configs[$1]} gpu=${free[0]} log
  free=("${free[@]:1}")
  log=$logs/$(printf '%03d' "$number")-$(basename "${config%.*}").log
  # The run sees this GPU alone, as its number 0: no other one's memory is touched.
  CUDA_VISIBLE_DEVICES=$gpu "$rethink_gen" run "$config" --out "$results" "${overrides[@]}" \
    >"$log" 2>&1 </dev/null &
  gpu_of[$!]=$gpu
  config_of[$!]=$config
  log_of[$!]=$log
  echo "GPU $gpu: $config (log: $log)"
}

# Takes every run that has ended off the list, and its GPU back.
collect() {
  local pid status
  for pid in "${!gpu_of[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then continue; fi
    status=0
    wait "$pid" || status=$?
    free+=("${gpu_of[$pid]}")
    if [ "$status" -eq 0 ]; then
      echo "GPU ${gpu_of[$pid]}: ${config_of[$pid]} is done"
    else
      failed=$((failed + 1))
      echo "GPU ${gpu_of[$pid]}: ${config_of[$pid]} ended with $status (log: ${log_of[$pid]})" >&2
    fi
    unset "gpu_of[$pid]"
  done
}

next=0
while [ ${#gpu_of[@]} -gt 0 ] || { [ "$next" -lt ${#configs[@]} ] && [ "$stopped" -eq 0 ]; }; do
  while [ "$stopped" -eq 0 ] && [ ${#free[@]} -gt 0 ] && [ "$next" -lt ${#configs[@]} ]; do
    start "$next"
    next=$((next + 1))
  done
  # Not `wait -n`: it would take the status of the run that ended. A signal ends the wait early.
  sleep 1 &
  wait $! || true
  collect
done

if [ "$stopped" -ne 0 ]; then
  echo "Stopped; configs that were not started: $((${#configs[@]} - next))" >&2
  exit "$stopped"
fi
[ "$failed" -eq 0 ] || exit 1

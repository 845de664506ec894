#!/usr/bin/env bash
# Runs the tests as older CPUs compute them: once for each instruction set that oneDNN can be held to, and once each
# without and with TensorFlow's kernels by oneDNN.
#
#   scripts/test-instruction-sets.sh [vitest's arguments …]      scripts/test-instruction-sets.sh tests/engines
#
# What this machine's CPU can't do is said and left out. Each setting has a line with the runner's own counts, and where
# tests failed, those and the log of the run.
# Exit code: 0 if all that ran passed, 1 if not.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
vitest=${VITEST:-$root/node_modules/.bin/vitest}
flags=" $(sed -n 's/^flags[[:space:]]*: //p;T;q' "${CPUINFO:-/proc/cpuinfo}") "
logs=$(mktemp -d)
failed=0

# Whether the CPU has all of these flags.
has() {
  local flag
  for flag in "$@"; do [[ $flags == *" $flag "* ]] || return 1; done
}

# One run with these variables set, and no others of its kind.
run() {
  local name="$*"
  local log=$logs/${name//[ =]/-}.log
  local verdict=passed code=0
  env -u ONEDNN_MAX_CPU_ISA -u TF_ENABLE_ONEDNN_OPTS "$@" NO_COLOR=1 "$vitest" run "${arguments[@]}" \
    >"$log" 2>&1 || code=$?
  if [ "$code" -ne 0 ]; then
    verdict=FAILED
    failed=1
  fi
  local counts
  counts=$(sed -n 's/^ *\(Test Files\|Tests\|Errors\)  */\1 /p' "$log" | paste -sd, | sed 's/,/, /g')
  echo "$name: $verdict: ${counts:-no counts, exit code $code}"
  [ "$code" -eq 0 ] && rm "$log" && return
  sed -n 's/^ *FAIL  */  /p' "$log" | sort -u
  echo "  log: $log"
}

# An instruction set with the flags it takes. oneDNN's kernels are on: without them the setting would change nothing.
run_on() {
  local isa=$1
  shift
  if has "$@"; then
    run "ONEDNN_MAX_CPU_ISA=$isa" TF_ENABLE_ONEDNN_OPTS=1
  else
    echo "ONEDNN_MAX_CPU_ISA=$isa: left out, this CPU can't ($*)"
  fi
}

arguments=("$@")
cd "$root"
[ -n "${VITEST:-}" ] || npm run --silent build
run TF_ENABLE_ONEDNN_OPTS=0
run TF_ENABLE_ONEDNN_OPTS=1
run_on SSE41 sse4_1
run_on AVX avx
run_on AVX2 avx2
run_on AVX512_CORE avx512f avx512bw avx512vl avx512dq
[ "$failed" -ne 0 ] || rmdir "$logs"
exit "$failed"

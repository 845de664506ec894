#!/usr/bin/env bash
# A whole Slurm on this machine, for tests: made-up nodes and GPUs, on loopback alone.
#
#   cluster.sh install         Debian's packages (as root)
#   cluster.sh start NODES     starts it and waits until all nodes are idle
#   cluster.sh stop            ends it
#
# RETHINK_GEN_TEST_SLURM   its folder, short and not under a link; SLURM_CONF there is $RETHINK_GEN_TEST_SLURM/slurm.conf
# SLURM_LINES              further lines of slurm.conf
set -euo pipefail
base=${RETHINK_GEN_TEST_SLURM:-/tmp/rethink-gen-slurm}
export SLURM_CONF=$base/slurm.conf
port=16917

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
}

# Nodes of 4 CPUs, 16,000 MB and 2 GPUs that there are not; a partition whose jobs are preempted by the other's.
write_config() {
  mkdir -p "$base"/{state,log,run,dev}
  chmod 755 "$base" "$base"/*/
  head -c 128 /dev/urandom >"$base/munge.key" && chmod 400 "$base/munge.key"
  ln -sfn /dev/null "$base/dev/gpu0"
  ln -sfn /dev/null "$base/dev/gpu1"
  cat >"$base/gres.conf" <<CONF
AutoDetect=off
NodeName=n[1-$1] Name=gpu File=$base/dev/gpu[0-1]
CONF
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
# A job that is queued again waits for as long as its credential is good.
AuthInfo=socket=$base/run/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$base/state
SlurmctldPidFile=$base/run/slurmctld.pid
SlurmctldLogFile=$base/log/slurmctld.log
SlurmdPidFile=$base/run/slurmd-%n.pid
SlurmdSpoolDir=$base/run/spool-%n
SlurmdLogFile=$base/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
DefMemPerCPU=100
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
ReturnToService=2
KillWait=30
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
Waittime=0
AccountingStorageType=accounting_storage/none
CONF
  for ((n = 1; n <= $1; n++)); do
    echo "NodeName=n$n NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + n)) CPUs=4 RealMemory=16000 Gres=gpu:2" >>"$SLURM_CONF"
  done
  cat >>"$SLURM_CONF" <<CONF
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=30 PriorityTier=10 PreemptMode=OFF
PartitionName=scavenge Nodes=ALL MaxTime=INFINITE DefaultTime=30 PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
${SLURM_LINES:-}
CONF
}

pids() { cat "$base"/run/slurmctld.pid "$base"/run/slurmd-*.pid "$base"/run/munged.pid 2>/dev/null || true; }

start() {
  # One that an interrupted test left.
  [ ! -e "$base/run" ] || stop
  rm -rf "$base"
  write_config "$1"
  munged --key-file="$base/munge.key" --socket="$base/run/munge.socket" --pid-file="$base/run/munged.pid" \
    --log-file="$base/log/munged.log" --seed-file="$base/run/munged.seed" --num-threads=2
  slurmctld -c -f "$SLURM_CONF"
  for ((n = 1; n <= $1; n++)); do
    mkdir -p "$base/run/spool-n$n"
    slurmd -N "n$n" -f "$SLURM_CONF"
  done
  for _ in $(seq 150); do
    if [ "$(sinfo --noheader --Node --states=idle --partition=main --format=%N 2>/dev/null | wc -l)" -eq "$1" ]; then
      return
    fi
    sleep 0.2
  done
  echo "The nodes did not come up: $base/log" >&2
  exit 1
}

stop() {
  scancel --user="$(id -un)" 2>/dev/null || true
  sleep 1
  for pid in $(pids); do kill -TERM "$pid" 2>/dev/null || true; done
  sleep 1
  for pid in $(pids); do kill -KILL "$pid" 2>/dev/null || true; done
}

case ${1:-} in
  install) install_packages ;;
  start) start "${2:?}" ;;
  stop) stop ;;
  *)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0" >&2
    exit 2
    ;;
esac

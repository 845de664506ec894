#!/usr/bin/env bash
# The paper's experiments on all 50,000 images, on CPUs, a part at a time:
#
#   configs/paper/full.sh PART [RESULTS [KEY=VALUE…]]          (default: results/full)
#
#   mlp              tables 1 and 4 of both MLPs, one seed, and their random labels with less weight decay
#   mlp-seeds        the same rows, 5 seeds
#   mlp-fractions    figures 1b and 1c of MLP 1×512, eleven shares of random labels, 3 seeds
#   alexnet          tables 1 and 4 of AlexNet, one seed
#   alexnet-seeds    the same, 3 seeds
#   alexnet-open     true labels until they are fitted, with what the paper leaves open chosen otherwise, one thing at a time
#   alexnet-fractions  figure 1c, and with it 1b, at p = 0, 0.5 and 1
#   inception        figure 1a's two curves: random and true labels until they are fitted
#   theory           theorem 1, and kernels at growing n
#
# Run again after an interruption, a part goes on; parts share what they have in common. docs/results.md has what came of it.
part=${1:-}
results=${2:-results/full}
overrides=("${@:3}")
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# MLPs are small: one to a core, all cores at once.
mlp=(--jobs "$(getconf _NPROCESSORS_ONLN)" engine.threads=1 record.checkpointEvery=10 "${overrides[@]}")
# The others are slow: a checkpoint an epoch, and one within it.
slow=(record.checkpointMinutes=5 "${overrides[@]}")

mlp_rows() {
  run table1.yaml name=table1-mlp "${mlp[@]}" "$@" \
    "sweep.trials=[{$deep, $decay}, {$deep}, {$deep, $random}, {model.name: mlp, $decay}, {model.name: mlp}, {model.name: mlp, $random}]"
  run table4.yaml name=table4-mlp "${mlp[@]}" "$@" "sweep.trials=[{$deep, $decay}, {model.name: mlp, $decay}]"
}

alexnet_rows() {
  run table1.yaml name=table1-alexnet "${slow[@]}" "$@" \
    "sweep.trials=[{model.name: alexnet, $random}, {model.name: alexnet}, {model.name: alexnet, $decay}, {model.name: alexnet, $crop}, {model.name: alexnet, $crop, $decay}]"
  run table4.yaml name=table4-alexnet "${slow[@]}" "$@" "sweep.trials=[{model.name: alexnet, $decay}]"
}

case $part in
  mlp)
    mlp_rows sweep.seeds=1
    light='regularization.weightDecay: 0.0001'
    run table4.yaml name=table4-mlp-light "${mlp[@]}" sweep.seeds=1 "sweep.trials=[{$deep, $light}, {model.name: mlp, $light}]"
    ;;
  mlp-seeds) mlp_rows sweep.seeds=5 ;;
  mlp-fractions) run figure1c.yaml name=figure1c-mlp "${mlp[@]}" model.name=mlp ;;
  alexnet) alexnet_rows sweep.seeds=1 ;;
  alexnet-seeds) alexnet_rows sweep.seeds=3 ;;
  alexnet-open)
    trials='{model.name: alexnet}'
    for choice in 'train.initGain: 0.5' "train.initGain: 0.5, $decay" 'train.initGain: 0.25' 'train.batchSize: 64' \
      'model.lrn: {alpha: 0.001}' 'model.lrn: {alpha: 0.00001}'; do
      trials+=", {model.name: alexnet, $choice}"
    done
    run table1.yaml name=table1-alexnet-open "${slow[@]}" sweep.seeds=2 train.stop=fitted "sweep.trials=[$trials]"
    ;;
  alexnet-fractions) run figure1c.yaml name=figure1c-alexnet "${slow[@]}" sweep.seeds=1 model.name=alexnet 'sweep.corruption.fraction=[0, 0.5, 1]' ;;
  inception)
    run figure1a.yaml name=figure1a-inception "${slow[@]}" sweep.seeds=1 train.stop=fitted 'sweep.corruption.kind=[random-labels, none]'
    ;;
  theory)
    run theorem1.yaml "${overrides[@]}"
    for n in 2500 5000 10000 20000; do
      run table3-cifar10.yaml name="kernel-$n" data.limit=$n "${overrides[@]}"
      run table3-cifar10.yaml name="random-conv-$n" data.limit=$n theory.features=random-conv theory.filters=1024 "${overrides[@]}"
    done
    run table3-cifar10.yaml name=kernel-50000 "${overrides[@]}"
    ;;
  *)
    sed -n '3,16s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
finish

#!/usr/bin/env bash
# Runs every config of this folder in a form scaled to a CPU, then writes the report.
#
#   configs/paper/scaled.sh [RESULTS [KEY=VALUE…]]          (default: results/scaled)
#
# KEY=VALUE goes to everything that is trained: on CPUs with AVX512_BF16 or AMX engine.precision=bfloat16 halves the time. On
# others it takes longer than float32, without AVX-512 many times as long; `rethink-gen doctor` says which a CPU is.
# MLPs: 2,000 images and 3 seeds. AlexNet and Inception: 500 images, true and random labels, one seed, in batches of 32 and
# 64 (one of 128 makes 3 steps an epoch of them); Inception's time to fit: 1,000 images and 3 seeds. The learning rate decays by steps of the full data set, as everywhere, so
# that it does not die before a subset is fitted. All are scaled: not comparable with the paper's numbers, but in shape.
# Run again after an interruption, it goes on: finished trials are taken as they are (the theory is computed anew).
# Measured: 49 min 28 s, all of it, with engine.precision=bfloat16 on two cores of an AMD EPYC (Zen 4) shared with other
# work, engine tensorflow 2.21; images decoded from re-encoded files.
results=${1:-results/scaled}
overrides=("${@:2}")
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# MLPs are small: one to a core, all cores at once.
mlp=(--jobs "$(getconf _NPROCESSORS_ONLN)" engine.threads=1 data.limit=2000 data.testLimit=2000 record.checkpointEvery=10 "${overrides[@]}")
small=(data.limit=500 data.testLimit=500 train.evaluateEvery=2 record.checkpointEvery=10 sweep.seeds=1 "${overrides[@]}")
alexnet=("${small[@]}" train.batchSize=32 train.epochs=40)
inception=("${small[@]}" train.batchSize=64 train.epochs=40)
# At the paper's rate Inception's first two hundred steps are too unsteady to tell labels apart, and of a few hundred images
# it has fitted any by then: a smaller rate and more images show what random labels cost.
steady=("${inception[@]}" data.limit=1000 sweep.seeds=3 train.learningRate=0.02 train.evaluateEvery=1)
fractions='[0, 0.2, 0.4, 0.6, 0.8, 1]'

run table1.yaml "${mlp[@]}" name=table1-mlp train.epochs=60 \
  "sweep.trials=[{$deep, $decay}, {$deep}, {$deep, $random}, {model.name: mlp, $decay}, {model.name: mlp}, {model.name: mlp, $random}]"
run table1.yaml "${alexnet[@]}" name=table1-alexnet \
  "sweep.trials=[{model.name: alexnet, $decay}, {model.name: alexnet}, {model.name: alexnet, $random}]"
run table1.yaml "${inception[@]}" name=table1-inception \
  "sweep.trials=[{model.name: inception}, {model.name: inception, $random}, {model.name: inception, model.batchNorm: false}]"
run table4.yaml "${mlp[@]}" name=table4-mlp train.epochs=60 \
  "sweep.trials=[{$deep, $decay}, {model.name: mlp, $decay}]"
run table4.yaml "${alexnet[@]}" name=table4-alexnet "sweep.trials=[{model.name: alexnet, $decay}]"
run table4.yaml "${inception[@]}" name=table4-inception \
  "sweep.trials=[{model.name: inception, $decay}, {model.name: inception, regularization.augment: crop, train.decay: 0.999}]"
run figure1a.yaml "${mlp[@]}" name=figure1a-mlp model.name=mlp
run figure1a.yaml "${inception[@]}" name=figure1a-inception \
  'sweep.corruption.kind=[none, random-labels, shuffled-pixels, random-pixels, gaussian]'
for figure in figure1b figure1c; do
  run $figure.yaml "${mlp[@]}" name=$figure-mlp model.name=mlp "sweep.corruption.fraction=$fractions"
  run $figure.yaml "${alexnet[@]}" name=$figure-alexnet model.name=alexnet 'sweep.corruption.fraction=[0, 1]'
done
run figure1b.yaml "${steady[@]}" name=figure1b-inception model.name=inception 'sweep.corruption.fraction=[0, 1]'
run figure1c.yaml "${inception[@]}" name=figure1c-inception model.name=inception 'sweep.corruption.fraction=[0, 1]'
run figure2b.yaml "${inception[@]}"

# The theory needs no such patience. The 10,000 test images of MNIST are divided, so that one file of it is enough.
kernel=(data.limit=4000 data.testLimit=2000)
run theorem1.yaml
run table3-mnist.yaml 'data.split={from: test, train: 4000, test: 2000}'
run table3-cifar10.yaml "${kernel[@]}"
run table3-cifar10.yaml "${kernel[@]}" theory.features=random-conv theory.filters=1024
run table3-cifar10.yaml "${kernel[@]}" theory.features=random-conv theory.filters=1024 theory.ridge=0.1
run rademacher.yaml
run linear.yaml

finish

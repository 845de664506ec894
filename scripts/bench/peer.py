"""What the peers of this benchmark share: the networks' sizes, the command line, the clock, the line of JSON."""

import argparse
import json
import statistics
import sys
import time

# 28x28x3 images of ten classes, as rethink-gen crops CIFAR-10.
SIDE, CHANNELS, CLASSES = 28, 3, 10
PIXELS = SIDE * SIDE * CHANNELS

# Small Inception (Zhang et al. 2017, appendix A): outputs of the stem; then (1x1, 3x3) of an Inception module, or the
# outputs of a downsampling module's convolution.
STEM = 96
STACK = [(32, 32), (32, 48), 80, (112, 48), (96, 64), (80, 80), (48, 96), 96, (176, 160), (176, 160)]
BATCH_NORM_EPSILON, BATCH_NORM_DECAY = 1e-3, 0.9
# Small AlexNet: two convolutions of 5x5, local response normalization, two dense layers.
FILTERS, DENSE = 64, (384, 192)
LRN_RADIUS, LRN_BIAS, LRN_ALPHA, LRN_BETA = 4, 1.0, 0.001 / 9, 0.75
HIDDEN = 512

PARAMETERS = {"inception": 1_649_402, "alexnet": 1_387_786, "mlp": 1_209_866}
# Small: nothing can be learned from noise, and a run that diverges would be no measure.
LEARNING_RATE, MOMENTUM = 1e-3, 0.9
# Different batches, so that none stays in a cache.
BATCHES = 8
# Seconds in which libraries choose their kernels and fill their caches, and of one call between two looks at the clock.
WARM_UP, CALL = 2.0, 0.5


def require(module, package):
    """Ends the process with one sentence where a package is missing."""
    try:
        return __import__(module)
    except ImportError as error:
        sys.exit(f"{package} can't be imported ({error}): {sys.executable} -m pip install {package}")


def parser(description, forms):
    """The options that all peers know."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--model", choices=list(PARAMETERS), required=True)
    options.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options.add_argument("--form", choices=forms, default=forms[0])
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument("--tf32", action="store_true", help="allow TF32 for float32 products (NVIDIA)")
    options.add_argument("--batch", type=int, default=128)
    options.add_argument("--threads", type=int, help="CPU threads; default: all")
    options.add_argument("--seconds", type=float, default=5, help="of training in a round")
    options.add_argument("--rounds", type=int, default=3)
    return options


def check_parameters(model, count):
    """A peer with another number of parameters would be another network."""
    if count != PARAMETERS[model]:
        sys.exit(f"{model} has {count} parameters here, not {PARAMETERS[model]}")


def measure(train, options, peer, device):
    """Times rounds of `train(steps)`, which makes that many steps and waits for them, and prints the result."""
    start = time.perf_counter()
    train(1)
    first = time.perf_counter() - start
    steps, took = 1, first
    while time.perf_counter() - start < first + WARM_UP:
        steps = max(1, round(steps * min(4, CALL / took)))
        begin = time.perf_counter()
        train(steps)
        took = time.perf_counter() - begin
    rates = [_round(train, steps, options) for _ in range(options.rounds)]
    rate = statistics.median(rates)
    result = {
        "peer": peer,
        "form": options.form,
        "model": options.model,
        "parameters": PARAMETERS[options.model],
        "precision": "tf32" if options.tf32 and options.precision == "float32" else options.precision,
        "batch_size": options.batch,
        "device": device,
        "train_images_per_second": rate,
        "train_rounds": rates,
        "compile_seconds": max(0.0, first - options.batch / rate),
    }
    print(json.dumps(result), flush=True)


def _round(train, steps, options):
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < options.seconds:
        train(steps)
        done += steps
    return done * options.batch / elapsed

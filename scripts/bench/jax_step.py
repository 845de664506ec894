"""rethink-gen's training steps in JAX, jitted and timed.

    python3 jax_step.py --model inception --precision bfloat16 --form loop

A step: whitening of uint8 images, forward, backward, heavy-ball momentum. `loop` runs many steps in one call, `step`
one; the images lie on the device already.
"""

import os

import peer

jax = peer.require("jax", "jax")
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

FORMS = ["loop", "step"]


class Network:
    """Parameters and running statistics in lists, and layers that know their places in them."""

    def __init__(self, dtype):
        self.dtype, self.parameters, self.statistics, self.layers = dtype, [], [], []

    def weight(self, *shape):
        fan_in = 1
        for size in shape[:-1]:
            fan_in *= size
        key = jax.random.key(len(self.parameters))
        self.parameters += [jax.random.normal(key, shape) * (2 / fan_in) ** 0.5, jnp.zeros(shape[-1])]
        return len(self.parameters) - 2

    def convolve(self, x, w, stride=1):
        layout = ("NHWC", "HWIO", "NHWC")
        x, w = x.astype(self.dtype), w.astype(self.dtype)
        return lax.conv_general_dilated(x, w, (stride, stride), "SAME", dimension_numbers=layout)

    def conv(self, inputs, outputs, size, stride=1):
        """conv(SAME) without bias, BatchNorm with shift and without scale, ReLU."""
        at = self.weight(size, size, inputs, outputs)
        place = len(self.statistics)
        self.statistics += [jnp.zeros(outputs), jnp.ones(outputs)]

        def apply(p, running, x):
            y = self.convolve(x, p[at], stride).astype(jnp.float32)
            mean = y.mean((0, 1, 2))
            variance = jnp.maximum((y * y).mean((0, 1, 2)) - mean * mean, 0)
            for i, new in ((place, mean), (place + 1, variance)):
                running[i] = peer.BATCH_NORM_DECAY * running[i] + (1 - peer.BATCH_NORM_DECAY) * lax.stop_gradient(new)
            y = (y - mean) * lax.rsqrt(variance + peer.BATCH_NORM_EPSILON) + p[at + 1]
            return jax.nn.relu(y).astype(self.dtype)

        return apply

    def dense(self, inputs, outputs, last=False):
        at = self.weight(inputs, outputs)

        def apply(p, _, x):
            y = (x.astype(self.dtype) @ p[at].astype(self.dtype)).astype(jnp.float32) + p[at + 1]
            return y if last else jax.nn.relu(y)

        return apply

    def conv_norm(self, inputs, outputs, lrn):
        """conv 5x5 with bias, ReLU, max-pool, local response normalization."""
        at = self.weight(5, 5, inputs, outputs)

        def apply(p, _, x):
            return lrn(max_pool(jax.nn.relu(self.convolve(x, p[at]).astype(jnp.float32) + p[at + 1])))

        return apply


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")


def response_norm(x):
    window = (1, 1, 1, 2 * peer.LRN_RADIUS + 1)
    total = lax.reduce_window(x * x, 0.0, lax.add, window, (1, 1, 1, 1), "SAME")
    return x * (peer.LRN_BIAS + peer.LRN_ALPHA * total) ** -peer.LRN_BETA


def banded_response_norm(x):
    """The same by a product with a banded matrix, as rethink-gen does it."""
    at = jnp.arange(x.shape[-1])
    band = (jnp.abs(at[:, None] - at) <= peer.LRN_RADIUS).astype(x.dtype)
    root = lax.rsqrt(peer.LRN_BIAS + peer.LRN_ALPHA * ((x * x) @ band))
    return x * (root * jnp.sqrt(root))


def build(model, dtype, lrn):
    net = Network(dtype)
    flatten = lambda _, __, x: x.reshape(x.shape[0], -1)  # noqa: E731
    if model == "mlp":
        net.layers = [flatten, net.dense(peer.PIXELS, peer.HIDDEN), net.dense(peer.HIDDEN, peer.CLASSES, True)]
    elif model == "alexnet":
        norm = banded_response_norm if lrn == "banded" else response_norm
        net.layers = [
            net.conv_norm(peer.CHANNELS, peer.FILTERS, norm),
            net.conv_norm(peer.FILTERS, peer.FILTERS, norm),
            flatten,
        ]
        sizes = [peer.FILTERS * (peer.SIDE // 4) ** 2, *peer.DENSE]
        net.layers += [net.dense(*pair) for pair in zip(sizes, sizes[1:])]
        net.layers.append(net.dense(sizes[-1], peer.CLASSES, True))
    else:
        inception(net)
    return net


def inception(net):
    net.layers, channels = [net.conv(peer.CHANNELS, peer.STEM, 3)], peer.STEM
    for item in peer.STACK:
        if isinstance(item, tuple):
            parts = (net.conv(channels, item[0], 1), net.conv(channels, item[1], 3))
            channels = sum(item)
        else:
            parts = (net.conv(channels, item, 3, 2), lambda _, __, x: max_pool(x))
            channels += item
        net.layers.append(lambda p, s, x, parts=parts: jnp.concatenate([part(p, s, x) for part in parts], -1))
    net.layers.append(lambda _, __, x: x.astype(jnp.float32).mean((1, 2)))
    net.layers.append(net.dense(channels, peer.CLASSES, True))


def whiten(images):
    x = images.astype(jnp.float32) / 255
    x = x - x.mean((1, 2, 3), keepdims=True)
    deviation = jnp.sqrt((x * x).mean((1, 2, 3), keepdims=True))
    return x / jnp.maximum(deviation, peer.PIXELS**-0.5)


def make_step(net):
    def loss_of(parameters, statistics, images, labels):
        x, running = whiten(images), list(statistics)
        for layer in net.layers:
            x = layer(parameters, running, x)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], 1)
        return -chosen.mean(), running

    def step(state, batch):
        parameters, velocities, statistics = state
        (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters, statistics, *batch)
        velocities = [peer.MOMENTUM * v + g for v, g in zip(velocities, gradients)]
        parameters = [p - peer.LEARNING_RATE * v for p, v in zip(parameters, velocities)]
        return (parameters, velocities, statistics), loss

    return step


def main():
    options = peer.parser(__doc__, FORMS)
    options.add_argument("--lrn", choices=["library", "banded"], default="library", help="alexnet's normalization")
    options = options.parse_args()
    if options.threads:
        # XLA on the CPU takes as many threads as the process may use cores, and has no option for it.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    jax.config.update("jax_platforms", options.device)
    exact = options.precision == "float32" and not options.tf32
    jax.config.update("jax_default_matmul_precision", "highest" if exact else "default")

    net = build(options.model, jnp.bfloat16 if options.precision == "bfloat16" else jnp.float32, options.lrn)
    peer.check_parameters(options.model, sum(p.size for p in net.parameters))
    step = make_step(net)
    state = (net.parameters, [jnp.zeros_like(p) for p in net.parameters], net.statistics)
    key = jax.random.key(0)
    shape = (peer.BATCHES, options.batch, peer.SIDE, peer.SIDE, peer.CHANNELS)
    images = jax.random.randint(key, shape, 0, 256, jnp.int32).astype(jnp.uint8)
    labels = jax.random.randint(key, shape[:2], 0, peer.CLASSES)

    # The count of steps is an argument: another one must not compile another program.
    def many(state, count):
        return lax.fori_loop(
            0, count, lambda i, s: step(s[0], (images[i % peer.BATCHES], labels[i % peer.BATCHES])), (state, 0.0)
        )

    train_many = jax.jit(many, donate_argnums=0)
    train_one = jax.jit(step, donate_argnums=0)

    def train(steps):
        nonlocal state
        if options.form == "loop":
            state, loss = train_many(state, steps)
        else:
            for i in range(steps):
                state, loss = train_one(state, (images[i % peer.BATCHES], labels[i % peer.BATCHES]))
        jax.block_until_ready((state, loss))

    device = jax.devices()[0]
    name = "cpu" if device.platform == "cpu" else device.device_kind
    peer.measure(train, options, f"JAX {jax.__version__}", name)


if __name__ == "__main__":
    main()

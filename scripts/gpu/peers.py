"""The same training steps in PyTorch (eager, torch.compile) and JAX (jitted, a scan over steps), for comparison.

    python3 peers.py torch|torch-compile|jax MODEL PRECISION

Prints one line of JSON. Whole steps: whitening of uint8 images, forward, backward, heavy-ball momentum. The data lie
on the device, which is these peers' best form; ours uploads them from the host.
"""

import json
import statistics
import sys
import time

BATCH = 128
STEPS = 64
ROUNDS = 7

# The small Inception (paper, appendix A): a and b of each Inception module, c of each downsampling one.
STACK = [(32, 32), (32, 48), 80, (112, 48), (96, 64), (80, 80), (48, 96), 96, (176, 160), (176, 160)]
EPSILON = 1e-3
# Local response normalisation of AlexNet: radius, alpha.
RADIUS, ALPHA = 4, 0.001 / 9


def measure(run, rounds):
    """Median images per second of `run`, which does STEPS steps and waits for them."""
    run()
    rates = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        rates.append(STEPS * BATCH / (time.perf_counter() - start))
    return statistics.median(rates)


def torch_network(model):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Conv(nn.Module):
        def __init__(self, inputs, outputs, size, stride=1):
            super().__init__()
            self.conv = nn.Conv2d(inputs, outputs, size, stride, bias=False)
            self.norm = nn.BatchNorm2d(outputs, eps=EPSILON, momentum=0.1)
            self.norm.weight.requires_grad = False
            # SAME of TensorFlow: an even image and a stride of two pad on one side only.
            self.pad = (0, 1, 0, 1) if stride == 2 else (size // 2,) * 4

        def forward(self, x):
            return F.relu(self.norm(self.conv(F.pad(x, self.pad))))

    class Inception(nn.Module):
        def __init__(self, inputs, a, b):
            super().__init__()
            self.a, self.b = Conv(inputs, a, 1), Conv(inputs, b, 3)

        def forward(self, x):
            return torch.cat([self.a(x), self.b(x)], 1)

    class Down(nn.Module):
        def __init__(self, inputs, c):
            super().__init__()
            self.conv = Conv(inputs, c, 3, 2)

        def forward(self, x):
            pooled = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)
            return torch.cat([self.conv(x), pooled], 1)

    class Normalize(nn.Module):
        def forward(self, x):
            size = 2 * RADIUS + 1
            return F.local_response_norm(x, size, alpha=ALPHA * size, beta=0.75, k=1.0)

    class Pool(nn.Module):
        def forward(self, x):
            return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)

    if model == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(2352, 512), nn.ReLU(), nn.Linear(512, 10))
    if model == "alexnet":
        block = lambda inputs: [nn.Conv2d(inputs, 64, 5, padding=2), nn.ReLU(), Pool(), Normalize()]
        dense = [nn.Flatten(), nn.Linear(3136, 384), nn.ReLU(), nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, 10)]
        return nn.Sequential(*block(3), *block(64), *dense)
    layers, channels = [Conv(3, 96, 3)], 96
    for item in STACK:
        if isinstance(item, tuple):
            layers.append(Inception(channels, *item))
            channels = sum(item)
        else:
            layers.append(Down(channels, item))
            channels += item
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def run_torch(model, precision, compiled):
    import torch
    from torch.nn import functional as F

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    network = torch_network(model).to(device, memory_format=torch.channels_last)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, foreach=True)
    images = torch.randint(0, 256, (BATCH, 3, 28, 28), dtype=torch.uint8, device=device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (BATCH,), device=device)

    def loss_of(images, labels):
        x = images.float() / 255
        x = x - x.mean((1, 2, 3), keepdim=True)
        deviation = x.square().mean((1, 2, 3), keepdim=True).sqrt().clamp(min=2352**-0.5)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = network(x / deviation)
        return F.cross_entropy(logits.float(), labels)

    if compiled:
        loss_of = torch.compile(loss_of, mode="max-autotune")

    def steps():
        for _ in range(STEPS):
            optimizer.zero_grad(set_to_none=True)
            loss_of(images, labels).backward()
            optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return measure(steps, ROUNDS if device == "cuda" else 1), name


def jax_network(model, dtype):
    """Initial parameters and apply(parameters, images NHWC) → logits."""
    import jax
    import jax.numpy as jnp
    from jax import lax
    import numpy as np

    random = np.random.default_rng(0)
    parameters = []

    def weight(*shape):
        fan_in = int(np.prod(shape[:-1]))
        parameters.append(jnp.asarray(random.normal(0, (2 / fan_in) ** 0.5, shape), jnp.float32))
        parameters.append(jnp.zeros(shape[-1]))
        return len(parameters) - 2

    def convolve(x, w, stride=1):
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x.astype(dtype), w.astype(dtype), (stride, stride), "SAME", dimension_numbers=numbers)

    def pool(x):
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")

    def conv(inputs, outputs, size, stride=1):
        i = weight(size, size, inputs, outputs)

        def apply(p, x):
            y = convolve(x, p[i], stride).astype(jnp.float32)
            mean = y.mean((0, 1, 2))
            variance = jnp.maximum((y * y).mean((0, 1, 2)) - mean * mean, 0)
            return jax.nn.relu((y - mean) * lax.rsqrt(variance + EPSILON) + p[i + 1]).astype(dtype)

        return apply

    def dense(inputs, outputs, last=False):
        i = weight(inputs, outputs)

        def apply(p, x):
            y = (x.astype(dtype) @ p[i].astype(dtype)).astype(jnp.float32) + p[i + 1]
            return y if last else jax.nn.relu(y)

        return apply

    def flatten(_, x):
        return x.reshape(x.shape[0], -1)

    def normalized(inputs):
        i = weight(5, 5, inputs, 64)

        def apply(p, x):
            x = pool(jax.nn.relu(convolve(x, p[i]).astype(jnp.float32) + p[i + 1]))
            total = lax.reduce_window(x * x, 0.0, lax.add, (1, 1, 1, 2 * RADIUS + 1), (1,) * 4, "SAME")
            return x * (1 + ALPHA * total) ** -0.75

        return apply

    if model == "mlp":
        layers = [flatten, dense(2352, 512), dense(512, 10, True)]
    elif model == "alexnet":
        layers = [normalized(3), normalized(64), flatten, dense(3136, 384), dense(384, 192), dense(192, 10, True)]
    else:
        layers, channels = [conv(3, 96, 3)], 96
        for item in STACK:
            if isinstance(item, tuple):
                a, b = conv(channels, item[0], 1), conv(channels, item[1], 3)
                layers.append(lambda p, x, a=a, b=b: jnp.concatenate([a(p, x), b(p, x)], -1))
                channels = sum(item)
            else:
                c = conv(channels, item, 3, 2)
                layers.append(lambda p, x, c=c: jnp.concatenate([c(p, x), pool(x)], -1))
                channels += item
        layers += [lambda _, x: x.astype(jnp.float32).mean((1, 2)), dense(channels, 10, True)]

    def apply(p, x):
        for layer in layers:
            x = layer(p, x)
        return x

    return parameters, apply


def run_jax(model, precision):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "highest" if precision == "float32" else "default")
    dtype = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    parameters, apply = jax_network(model, dtype)
    key = jax.random.key(0)
    images = jax.random.randint(key, (STEPS, BATCH, 28, 28, 3), 0, 256, jnp.int32).astype(jnp.uint8)
    labels = jax.random.randint(key, (STEPS, BATCH), 0, 10)

    def loss_of(parameters, images, labels):
        x = images.astype(jnp.float32) / 255
        x = x - x.mean((1, 2, 3), keepdims=True)
        deviation = jnp.maximum(jnp.sqrt((x * x).mean((1, 2, 3), keepdims=True)), 2352**-0.5)
        logs = jax.nn.log_softmax(apply(parameters, x / deviation))
        return -jnp.take_along_axis(logs, labels[:, None], 1).mean()

    def step(state, batch):
        parameters, velocities = state
        loss, gradients = jax.value_and_grad(loss_of)(parameters, *batch)
        velocities = [0.9 * v + g for v, g in zip(velocities, gradients)]
        parameters = [p - 0.01 * v for p, v in zip(parameters, velocities)]
        return (parameters, velocities), loss

    train = jax.jit(lambda state: jax.lax.scan(step, state, (images, labels)), donate_argnums=0)
    state = (parameters, [jnp.zeros_like(p) for p in parameters])

    def steps():
        nonlocal state
        state, losses = train(state)
        jax.block_until_ready(losses)

    device = jax.devices()[0]
    return measure(steps, 1 if device.platform == "cpu" else ROUNDS), device.device_kind


def main():
    who, model, precision = sys.argv[1:4]
    if who == "jax":
        rate, device = run_jax(model, precision)
    else:
        rate, device = run_torch(model, precision, who == "torch-compile")
    line = {"who": who, "model": model, "precision": precision, "imagesPerSecond": rate, "device": device}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()

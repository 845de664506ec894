"""rethink-gen's training steps in PyTorch, timed.

    python3 torch_step.py --model inception --precision bfloat16 --form eager-channels_last

A step: whitening of uint8 images, forward, backward, heavy-ball momentum. The images lie on the device already.
"""

import peer

torch = peer.require("torch", "torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

FORMS = ["eager-nchw", "eager-channels_last", "compile-nchw", "compile-channels_last"]


class Conv(nn.Module):
    """conv(SAME) without bias, BatchNorm with shift and without scale, ReLU."""

    def __init__(self, inputs, outputs, size, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding=0 if stride > 1 else size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=peer.BATCH_NORM_EPSILON, momentum=1 - peer.BATCH_NORM_DECAY)
        # A scale of ones that nothing trains: PyTorch has no shift without a scale.
        self.norm.weight.requires_grad = False

    def forward(self, x):
        if self.conv.stride[0] > 1:
            # SAME of an even side and stride 2 pads after the image only, which Conv2d can't.
            x = F.pad(x, (0, 1, 0, 1))
        return F.relu(self.norm(self.conv(x)))


class InceptionModule(nn.Module):
    def __init__(self, inputs, one, three):
        super().__init__()
        self.one, self.three = Conv(inputs, one, 1), Conv(inputs, three, 3)

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x)], 1)


class Downsample(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.pool = Conv(inputs, outputs, 3, 2), max_pool()

    def forward(self, x):
        return torch.cat([self.conv(x), self.pool(x)], 1)


def max_pool():
    """3x3, stride 2, SAME: of an even side, 'ceil' adds the same half window after the image."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def response_norm():
    size = 2 * peer.LRN_RADIUS + 1
    # PyTorch divides its alpha by the size of the window.
    return nn.LocalResponseNorm(size, alpha=peer.LRN_ALPHA * size, beta=peer.LRN_BETA, k=peer.LRN_BIAS)


class BandedResponseNorm(nn.Module):
    """The same by a product with a banded matrix, as rethink-gen does it: not what people write, but faster."""

    def __init__(self):
        super().__init__()
        at = torch.arange(peer.FILTERS)
        band = ((at[:, None] - at).abs() <= peer.LRN_RADIUS).float()
        self.register_buffer("band", band[:, :, None, None])

    def forward(self, x):
        norm = peer.LRN_BIAS + peer.LRN_ALPHA * F.conv2d(x * x, self.band)
        root = norm.rsqrt()
        return x * (root * root.sqrt())


def network(model, lrn):
    if model == "mlp":
        return nn.Sequential(
            nn.Flatten(), nn.Linear(peer.PIXELS, peer.HIDDEN), nn.ReLU(), nn.Linear(peer.HIDDEN, peer.CLASSES)
        )
    if model == "alexnet":
        layers, channels = [], peer.CHANNELS
        for _ in range(2):
            norm = BandedResponseNorm() if lrn == "banded" else response_norm()
            layers += [nn.Conv2d(channels, peer.FILTERS, 5, padding=2), nn.ReLU(), max_pool(), norm]
            channels = peer.FILTERS
        sizes = [peer.FILTERS * (peer.SIDE // 4) ** 2, *peer.DENSE]
        dense = [layer for pair in zip(sizes, sizes[1:]) for layer in (nn.Linear(*pair), nn.ReLU())]
        return nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(sizes[-1], peer.CLASSES))
    layers, channels = [Conv(peer.CHANNELS, peer.STEM, 3)], peer.STEM
    for item in peer.STACK:
        layers.append(InceptionModule(channels, *item) if isinstance(item, tuple) else Downsample(channels, item))
        channels = sum(item) if isinstance(item, tuple) else channels + item
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, peer.CLASSES))


def whiten(images):
    x = images.float() / 255
    x = x - x.mean((1, 2, 3), keepdim=True)
    deviation = x.square().mean((1, 2, 3), keepdim=True).sqrt()
    return x / deviation.clamp(min=peer.PIXELS**-0.5)


def main():
    options = peer.parser(__doc__, FORMS)
    options.add_argument("--lrn", choices=["library", "banded"], default="library", help="alexnet's normalization")
    options = options.parse_args()
    how, layout = options.form.split("-")
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high" if options.tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = options.tf32
    # All shapes are fixed: the fastest algorithm is worth its search.
    torch.backends.cudnn.benchmark = True

    net = network(options.model, options.lrn).to(options.device, memory_format=memory_format)
    parameters = [p for p in net.parameters() if p.requires_grad]
    peer.check_parameters(options.model, sum(p.numel() for p in parameters))
    optimizer = torch.optim.SGD(parameters, lr=peer.LEARNING_RATE, momentum=peer.MOMENTUM, fused=True)
    shape = (options.batch, peer.CHANNELS, peer.SIDE, peer.SIDE)
    batches = [
        (
            torch.randint(0, 256, shape, dtype=torch.uint8).to(options.device, memory_format=memory_format),
            torch.randint(0, peer.CLASSES, (options.batch,)).to(options.device),
        )
        for _ in range(peer.BATCHES)
    ]

    def loss_of(images, labels):
        x = whiten(images)
        with torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bfloat16"):
            logits = net(x)
        return F.cross_entropy(logits.float(), labels)

    if how == "compile":
        loss_of = torch.compile(loss_of, mode="max-autotune" if options.device == "cuda" else "default")
    done = 0

    def train(steps):
        nonlocal done
        losses = []
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(*batches[done % peer.BATCHES])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach().clone())
            done += 1
        # Reading the losses waits for the device.
        torch.stack(losses).tolist()

    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    peer.measure(train, options, f"PyTorch {torch.__version__}", device)


if __name__ == "__main__":
    main()

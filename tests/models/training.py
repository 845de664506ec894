"""Trains a network in PyTorch on given batches from given weights, for pytorch.test.ts to compare.

    python3 training.py GIVEN.json RESULT.json
"""

import base64
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, eps):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs, eps)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs, eps)
            )

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def resnet18(channels, classes, eps, width):
    layers = [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, eps), nn.ReLU()]
    inputs = width
    for stage, outputs in enumerate([width, 2 * width, 4 * width, 8 * width]):
        for stride in [1 if stage == 0 else 2, 1]:
            layers.append(Block(inputs, outputs, stride, eps))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, eps):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs, eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        y = F.relu(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return self.conv2(F.relu(self.norm2(self.conv1(y)))) + shortcut


def wide_resnet(channels, classes, eps, depth, widen):
    layers = [nn.Conv2d(channels, 16, 3, padding=1, bias=False)]
    inputs = 16
    for stage, width in enumerate([16, 32, 64]):
        for i in range((depth - 4) // 6):
            layers.append(WideBlock(inputs, width * widen, 2 if stage and i == 0 else 1, eps))
            inputs = width * widen
    layers += [nn.BatchNorm2d(inputs, eps), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def cnn5(channels, classes, eps, width):
    layers, inputs = [], channels
    for i, outputs in enumerate([width, 2 * width, 4 * width, 8 * width]):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs, eps), nn.ReLU()]
        if i in (1, 2):
            layers.append(nn.MaxPool2d(2))
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def mlp(channels, classes, eps, hidden, side):
    layers, inputs = [ChannelsLast()], side * side * channels
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


MODELS = {"resnet18": resnet18, "wide-resnet": wide_resnet, "cnn5": cnn5, "mlp": mlp}


def gce(logits, labels, q):
    p = F.softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return ((1 - p**q) / q).mean()


def sce(logits, labels, alpha, beta, logZero):
    target = F.one_hot(labels, logits.shape[1]).float()
    reverse = -(F.softmax(logits, 1) * torch.where(target > 0, 0.0, logZero)).sum(1)
    return alpha * F.cross_entropy(logits, labels) + beta * reverse.mean()


class Elr:
    def __init__(self, examples, classes):
        self.targets = torch.zeros(examples, classes)

    def __call__(self, logits, labels, position, beta, **weights):
        p = F.softmax(logits, 1).clamp(1e-4, 1 - 1e-4)
        with torch.no_grad():
            share = p / p.sum(1, keepdim=True)
            self.targets[position] = beta * self.targets[position] + (1 - beta) * share
        regularizer = (1 - (self.targets[position] * p).sum(1)).log().mean()
        return F.cross_entropy(logits, labels) + weights["lambda"] * regularizer


def of_labels(loss):
    return lambda examples, classes: loss


LOSSES = {
    "cross-entropy": of_labels(
        lambda logits, labels, smoothing=0: F.cross_entropy(logits, labels, label_smoothing=smoothing)
    ),
    "gce": of_labels(gce),
    "sce": of_labels(sce),
    "elr": Elr,
}


def adam(kind):
    return lambda groups, lr, momentum, beta1, beta2, epsilon: kind(groups, lr=lr, betas=(beta1, beta2), eps=epsilon)


OPTIMIZERS = {
    "sgd": lambda groups, lr, momentum, nesterov=False: torch.optim.SGD(
        groups, lr=lr, momentum=momentum, nesterov=nesterov
    ),
    "adam": adam(torch.optim.Adam),
    "adamw": adam(torch.optim.AdamW),
}


def whiten(images):
    x = images / 255
    x = x - x.mean((1, 2, 3), keepdim=True)
    deviation = x.square().mean((1, 2, 3), keepdim=True).sqrt()
    return x / deviation.clamp(min=x[0].numel() ** -0.5)


def tensor(text, shape, dtype):
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=dtype).reshape(shape)


def turned(value, axes={1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}):
    """Ours to PyTorch's: [height, width, in, out] -> [out, in, height, width], [in, out] -> [out, in]."""
    return value.permute(axes[value.dim()])


def turned_back(value):
    return turned(value, {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)})


def main():
    with open(sys.argv[1]) as file:
        given = json.load(file)
    batch, side, _, channels = given["images"]["shape"][1:]
    net = MODELS[given["model"].pop("name")](channels, given["classes"], given["epsilon"], **given["model"])
    parameters = list(net.parameters())
    with torch.no_grad():
        # Both declare a layer's filter before its normalization, and a block's projection last.
        for parameter, source in zip(parameters, given["parameters"], strict=True):
            parameter.copy_(turned(tensor(source["data"], source["shape"], torch.float32)))
    optimizer = OPTIMIZERS[given["optimizer"].pop("name")](
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": given["weightDecay"]},
            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0},
        ],
        lr=given["learningRate"],
        momentum=given["momentum"],
        **given["optimizer"],
    )
    loss_of = LOSSES[given["loss"].pop("name")](given["examples"], given["classes"])
    extras = given["extras"]
    images = tensor(given["images"]["data"], given["images"]["shape"], torch.uint8)
    labels = tensor(given["labels"], [-1, batch], torch.int32)
    losses = []
    for step, (x, y) in enumerate(zip(images, labels)):
        optimizer.zero_grad()
        x, y = whiten(x.permute(0, 3, 1, 2).float()), y.long()
        keys = dict(given["loss"])
        of_batch = lambda name: torch.tensor(extras[name]).reshape(-1, batch)[step]
        if "position" in extras:
            keys["position"] = of_batch("position")
        if "mixup/share" in extras:
            share, partner = extras["mixup/share"][step], of_batch("mixup/partner")
            logits = net(share * x + (1 - share) * x[partner])
            loss = share * loss_of(logits, y, **keys) + (1 - share) * loss_of(logits, y[partner], **keys)
        else:
            loss = loss_of(net(x), y, **keys)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    trained = [turned_back(p.detach()).contiguous().numpy().tobytes() for p in parameters]
    with open(sys.argv[2], "w") as file:
        json.dump({"losses": losses, "parameters": [base64.b64encode(p).decode() for p in trained]}, file)


if __name__ == "__main__":
    main()

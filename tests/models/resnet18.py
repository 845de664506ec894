"""Trains a ResNet-18 in PyTorch on given batches from given weights, for pytorch.test.ts to compare.

    python3 resnet18.py GIVEN.json RESULT.json
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


def resnet18(width, channels, classes, eps):
    layers = [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width, eps), nn.ReLU()]
    inputs = width
    for stage, outputs in enumerate([width, 2 * width, 4 * width, 8 * width]):
        for stride in [1 if stage == 0 else 2, 1]:
            layers.append(Block(inputs, outputs, stride, eps))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


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
    net = resnet18(given["width"], channels, given["classes"], given["epsilon"])
    parameters = list(net.parameters())
    with torch.no_grad():
        # Both declare a layer's filter before its normalization, and a block's projection last.
        for parameter, source in zip(parameters, given["parameters"], strict=True):
            parameter.copy_(turned(tensor(source["data"], source["shape"], torch.float32)))
    optimizer = torch.optim.SGD(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": given["weightDecay"]},
            {"params": [p for p in parameters if p.dim() == 1]},
        ],
        lr=given["learningRate"],
        momentum=given["momentum"],
    )
    images = tensor(given["images"]["data"], given["images"]["shape"], torch.uint8)
    labels = tensor(given["labels"], [-1, batch], torch.int32)
    losses = []
    for x, y in zip(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(whiten(x.permute(0, 3, 1, 2).float())), y.long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    trained = [turned_back(p.detach()).contiguous().numpy().tobytes() for p in parameters]
    with open(sys.argv[2], "w") as file:
        json.dump({"losses": losses, "parameters": [base64.b64encode(p).decode() for p in trained]}, file)


main()

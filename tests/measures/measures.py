"""Norms of a network in PyTorch, in double precision, for pytorch.test.ts to compare: BatchNorm behind each convolution is folded
into it, spectral norms are greatest singular values, the path norm is a forward pass.

    python3 measures.py GIVEN.json RESULT.json
"""

import json
import pathlib
import sys

import torch
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parent.parent / "models"))
from training import MODELS, tensor, turned  # noqa: E402


def fold(net):
    """Every convolution's BatchNorm follows it in the order of declaration."""
    before = None
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            scale = module.weight / (module.running_var + module.eps).sqrt()
            before.weight.mul_(scale[:, None, None, None])
            module.bias.sub_(module.running_mean * scale)
            module.weight.fill_(1)
            module.running_mean.fill_(0)
            module.running_var.fill_(1 - module.eps)
        before = module


def main():
    with open(sys.argv[1]) as file:
        given = json.load(file)
    side = given["side"]
    net = MODELS[given["model"].pop("name")](3, given["classes"], given["epsilon"], **given["model"])
    with torch.no_grad():
        for parameter, source in zip(net.parameters(), given["parameters"], strict=True):
            parameter.copy_(turned(tensor(source["data"], source["shape"], torch.float32)))
        buffers = [b for name, b in net.named_buffers() if "running" in name]
        for buffer, source in zip(buffers, given["statistics"], strict=True):
            buffer.copy_(tensor(source["data"], source["shape"], torch.float32))
        net.double().eval()
        fold(net)
        weights = [p.reshape(p.shape[0], -1) for p in net.parameters() if p.dim() > 1]
        result = {
            "frobenius": [w.norm().item() for w in weights],
            "spectral": [torch.linalg.svdvals(w).max().item() for w in weights],
        }
        for parameter in net.parameters():
            parameter.pow_(2)
        result["path_norm"] = net(torch.ones(1, 3, side, side, dtype=torch.float64)).sum().item()
    with open(sys.argv[2], "w") as file:
        json.dump(result, file)


main()

"""A whole run in PyTorch, as one would write it for this experiment: read, corrupt, train, evaluate, write down.

    python3 torch_run.py --model mlp --data DATA/cifar10 --labels random --epochs 5 --out FOLDER

The protocol of `rethink-gen run`: batches of 128 in a fresh order each epoch, center crop, whitening, momentum SGD with the
rate times 0.95 an epoch; after each epoch all training and test images are evaluated, a row and a checkpoint are written.
Prints a line of JSON.
"""

import csv
import json
import os
import time

import peer

torch = peer.require("torch", "torch")
numpy = peer.require("numpy", "numpy")
import torch_step  # noqa: E402
from torch.nn import functional as F  # noqa: E402

RATES = {"inception": 0.1, "alexnet": 0.01, "mlp": 0.01}
DECAY = 0.95
SIDE = 32
EVALUATED_AT_ONCE = 1000


def read(path, memory_format):
    """Images [n, 3, 28, 28], bytes, and labels of a file of CIFAR-10's binary version."""
    rows = numpy.fromfile(path, numpy.uint8).reshape(-1, 1 + peer.CHANNELS * SIDE**2)
    images = rows[:, 1:].reshape(-1, peer.CHANNELS, SIDE, SIDE)
    edge = (SIDE - peer.SIDE) // 2
    images = torch.from_numpy(images[:, :, edge:-edge, edge:-edge].copy())
    return images.contiguous(memory_format=memory_format), torch.from_numpy(rows[:, 0].astype(numpy.int64))


def some(split, count):
    """As many examples, by chance: files may be in the order of their classes."""
    chosen = torch.randperm(len(split[1]))[:count]
    return [part[chosen] for part in split]


def main():
    options = peer.parser(__doc__, torch_step.FORMS)
    options.add_argument("--data", required=True, help="a folder with train.bin and test.bin of CIFAR-10")
    options.add_argument("--labels", choices=["true", "random"], default="true")
    options.add_argument("--images", type=int, help="of the training set, and a fifth as many test images; default: all")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--until-fitted", action="store_true", help="end where all training labels are right")
    options.add_argument("--out", required=True, help="folder of metrics.csv and checkpoint.pt")
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    how, layout = options.form.split("-")
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high" if options.tf32 else "highest")

    train, test = (read(os.path.join(options.data, name), memory_format) for name in ("train.bin", "test.bin"))
    if options.images:
        train, test = some(train, options.images), some(test, options.images // 5)
    if options.labels == "random":
        train = train[0], torch.randint(0, peer.CLASSES, train[1].shape)
    train, test = ([part.to(options.device) for part in split] for split in (train, test))
    net = torch_step.network(options.model, "library").to(options.device, memory_format=memory_format)
    parameters = [p for p in net.parameters() if p.requires_grad]
    peer.check_parameters(options.model, sum(p.numel() for p in parameters))
    optimizer = torch.optim.SGD(parameters, lr=RATES[options.model], momentum=peer.MOMENTUM, fused=True)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, DECAY)

    def logits_of(images):
        with torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bfloat16"):
            return net(torch_step.whiten(images)).float()

    if how == "compile":
        logits_of = torch.compile(logits_of)

    def train_epoch():
        net.train()
        images, labels = train
        order = torch.randperm(len(labels), device=options.device)
        for batch in order[: len(order) // options.batch * options.batch].split(options.batch):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(logits_of(images[batch]), labels[batch]).backward()
            optimizer.step()

    @torch.inference_mode()
    def evaluate(images, labels):
        net.eval()
        loss = right = 0.0
        for x, y in zip(images.split(EVALUATED_AT_ONCE), labels.split(EVALUATED_AT_ONCE)):
            logits = logits_of(x)
            loss += F.cross_entropy(logits, y, reduction="sum").item()
            right += (logits.argmax(1) == y).sum().item()
        return loss / len(labels), right / len(labels)

    os.makedirs(options.out, exist_ok=True)
    epochs = []
    with open(os.path.join(options.out, "metrics.csv"), "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy"])
        for epoch in range(1, options.epochs + 1):
            begin = time.perf_counter()
            train_epoch()
            trained = time.perf_counter()
            measured = (*evaluate(*train), *evaluate(*test))
            rows.writerow([epoch, *measured])
            file.flush()
            schedule.step()
            state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
            torch.save(state, os.path.join(options.out, "checkpoint.pt"))
            epochs.append({"seconds": time.perf_counter() - begin, "train_seconds": trained - begin})
            if options.until_fitted and measured[1] == 1:
                break
    result = {
        "peer": f"PyTorch {torch.__version__}",
        "form": options.form,
        "train_accuracy": measured[1],
        "test_accuracy": measured[3],
        "epochs": epochs,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

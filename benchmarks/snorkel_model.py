"""Times Snorkel's slice-aware classifier, for `bench_model.py`.

It runs in an environment of its own, which has Snorkel and PyTorch and not
slice-tf. For every line on its input it times some training steps and forward
passes and prints their wall and CPU milliseconds. A step is the loss, the
gradients and Adam on a batch that is ready, without Snorkel's loader.
"""

import logging
import sys
import time

import numpy as np
import torch
from snorkel.classification import DictDataset
from snorkel.slicing import SliceAwareClassifier

SECONDS = 0.4


def trunk(dim):
    """Returns the benchmark's trunk."""
    return torch.nn.Sequential(
        torch.nn.Linear(dim, dim),
        torch.nn.ReLU(),
        torch.nn.Linear(dim, dim),
        torch.nn.ReLU(),
    )


def batch_of(model, names, dim, batch):
    """Returns one collated batch."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(batch, dim)), dtype=torch.float32)
    votes = (rng.random((batch, len(names))) < 0.05).astype(np.int64)
    data = DictDataset.from_tensors(x, (x[:, 0] > 0).long(), "train")
    columns = np.rec.fromarrays(list(votes.T), names=names)
    loader = model.make_slice_dataloader(data, columns, batch_size=batch)
    return next(iter(loader))


def milliseconds(work):
    """Returns wall and CPU milliseconds of a piece of work."""
    start = time.perf_counter()
    work()
    repeats = max(1, round(SECONDS / (time.perf_counter() - start)))
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return [1e3 * wall / repeats, 1e3 * cpu / repeats]


def main():
    """Answers every line with four numbers."""
    num_slices, dim, batch, threads = map(int, sys.argv[1:])
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    names = [f"s{position}" for position in range(num_slices)]
    model = SliceAwareClassifier(
        trunk(dim), head_dim=dim, slice_names=names, device=-1
    )
    features, labels = batch_of(model, names, dim, batch)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step():
        model.train()
        optimizer.zero_grad()
        losses, _ = model.calculate_loss(features, labels)
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()

    def forward():
        model.eval()
        with torch.no_grad():
            model.forward({"input_data": features["input_data"]}, ["task"])

    for _ in sys.stdin:
        numbers = [*milliseconds(step), *milliseconds(forward)]
        print(*numbers, flush=True)


if __name__ == "__main__":
    main()

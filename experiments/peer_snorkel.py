"""Snorkel's slice-aware classifier on the same data; runs in its own Python.

    python peer_snorkel.py IN.npz OUT.npz

IN holds `points`, `label`, `membership` and `test_points`, seeds along the
first axis; OUT gets `predicted`, of shape `[seeds, test examples]`, and
`parameters`. Same
backbone, widths, optimizer, batches and epochs as the others; gradients are
clipped at 1, as its trainer does by default.
"""

import sys

import numpy as np
import torch
from snorkel.classification import DictDataset, Trainer
from snorkel.slicing import SliceAwareClassifier

UNITS = 13


def train_and_predict(seed, points, label, membership, test_points):
    """Trains one seed; returns predicted classes and the model's size."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    names = [f"slice_{i}" for i in range(membership.shape[1])]
    columns = [column.astype(np.int64) for column in membership.T]
    backbone = torch.nn.Sequential(
        torch.nn.Linear(2, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, UNITS),
        torch.nn.ReLU(),
    )
    model = SliceAwareClassifier(
        backbone,
        head_dim=UNITS,
        slice_names=names,
        device=-1,
        dataparallel=False,
    )
    dataset = DictDataset.from_tensors(
        torch.tensor(points), torch.tensor(label).long(), "train"
    )
    loader = model.make_slice_dataloader(
        dataset,
        np.rec.fromarrays(columns, names=names),
        batch_size=64,
        shuffle=True,
    )
    Trainer(lr=1e-3, n_epochs=100, progress_bar=False).fit(model, [loader])
    model.eval()
    with torch.no_grad():
        inputs = {"input_data": torch.tensor(test_points)}
        outputs = model.forward(inputs, ["task"])
    last = model.op_sequences["task"][-1].name
    size = sum(one.numel() for one in model.parameters())
    return outputs[last].argmax(1).numpy(), size


def main():
    """Trains all seeds."""
    torch.set_num_threads(1)
    given = np.load(sys.argv[1])
    columns = [
        given[name] for name in ("points", "label", "membership", "test_points")
    ]
    found = [
        train_and_predict(seed, *each)
        for seed, each in enumerate(zip(*columns, strict=True))
    ]
    predicted, sizes = zip(*found, strict=True)
    np.savez(sys.argv[2], predicted=np.stack(predicted), parameters=sizes[0])


if __name__ == "__main__":
    main()

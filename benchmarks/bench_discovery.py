"""Fits the default slicer beside scikit-learn's mixture, on mapped rows.

Both in turns, in this process, on the same memory-mapped file; the mixture is
`GaussianMixture(25, covariance_type="diag")` on the embeddings as they are
and, as Domino does it, after PCA to 128. CPU seconds stand beside wall time,
because a shared machine stretches the latter. Then the slicer alone on ten
times the rows: cost by row, and peak memory beyond the mapped file.

    python benchmarks/bench_discovery.py [--rows N] [--many N] [--dim D]
"""

import argparse
import pathlib
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from slice_tf.discovery import MixtureSlicer
from slice_tf.evaluation import render_table

CLUSTERS = 50


def main() -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "rows.npy"
        compare(path, flags.rows, flags.dim)
        print()
        grow(path, (flags.rows, flags.many), flags.dim)


def compare(path: pathlib.Path, rows: int, dim: int) -> None:
    """Prints times of the slicer and of scikit-learn's mixture."""
    embeddings, labels, probabilities = problem(path, rows, dim)

    def mixture() -> Any:
        model = GaussianMixture(25, covariance_type="diag", random_state=0)
        return model.fit(embeddings)

    def mixture_after_pca() -> Any:
        kept = PCA(min(128, dim), random_state=0).fit_transform(embeddings)
        model = GaussianMixture(25, covariance_type="diag", random_state=0)
        return model.fit(kept)

    def slicer() -> Any:
        return MixtureSlicer().fit(embeddings, labels, probabilities)

    runs = {
        "slice-tf: MixtureSlicer": slicer,
        "scikit-learn: diagonal mixture, PCA 128": mixture_after_pca,
        "scikit-learn: diagonal mixture": mixture,
    }
    times = {name: timed(run) for name, run in runs.items()}
    _, ours = next(iter(times.values()))
    print(
        render_table(
            [f"{rows:,} x {dim}", "wall, s", "CPU, s", "CPU against ours"],
            [
                [name, f"{wall:.1f}", f"{cpu:.1f}", f"{cpu / ours:.1f} x"]
                for name, (wall, cpu) in times.items()
            ],
        )
    )


def grow(path: pathlib.Path, sizes: tuple[int, ...], dim: int) -> None:
    """Prints cost by row and peak memory of the slicer."""
    lines = []
    for rows in sizes:
        embeddings, labels, probabilities = problem(path, rows, dim)
        watch = Watch()
        watch.start()
        wall, cpu = timed(
            lambda e=embeddings, y=labels, p=probabilities: MixtureSlicer().fit(
                e, y, p
            )
        )
        extra = watch.finish()
        lines.append(
            [
                f"{rows:,}",
                f"{wall:.1f}",
                f"{cpu:.1f}",
                f"{1e6 * cpu / rows:.0f}",
                f"{extra:.0f}",
            ]
        )
    headers = ["rows", "wall, s", "CPU, s", "CPU us a row", "extra MB"]
    print(render_table(headers, lines))


def problem(path: pathlib.Path, rows: int, dim: int) -> tuple[Any, Any, Any]:
    """Returns mapped embeddings of clusters, labels and probabilities."""
    rng = np.random.default_rng(7)
    centers = rng.normal(0, 0.65, (CLUSTERS, 40))
    turn = np.linalg.qr(rng.normal(size=(dim, 40)))[0].T.astype(np.float32)
    cluster = rng.integers(0, CLUSTERS, rows)
    mapped = np.lib.format.open_memmap(path, "w+", np.float32, (rows, dim))
    for start in range(0, rows, 20_000):
        part = cluster[start : start + 20_000]
        latent = centers[part] + rng.normal(0, 0.6, (len(part), 40))
        noise = rng.standard_normal((len(part), dim), dtype=np.float32)
        mapped[start : start + len(part)] = (
            latent.astype(np.float32) @ turn + 0.1 * noise
        )
    mapped.flush()
    del mapped
    labels = cluster % 2
    right = rng.random(rows) < np.where(cluster == 1, 0.5, 0.9)
    chance = np.where(right == (labels == 1), 0.8, 0.2)
    return np.load(path, mmap_mode="r"), labels, chance


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Returns wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


class Watch(threading.Thread):
    """Reads the peak of this process's private memory, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._done = threading.Event()
        self._first = self._peak = private_megabytes()

    def run(self) -> None:
        while not self._done.wait(0.05):
            self._peak = max(self._peak, private_megabytes())

    def finish(self) -> float:
        """Stops, and returns the peak beyond what there was at first."""
        self._done.set()
        self.join()
        return self._peak - self._first


def private_megabytes() -> float:
    """Returns anonymous memory, without pages of mapped files."""
    text = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(one for one in text.splitlines() if one.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()

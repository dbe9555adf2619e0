"""What slices cost a model: training step and inference beside no slices.

A trunk of 768 -> 768 -> 768, batches of 256 (and, to predict, of 1 and 32),
experts of width 128, float32, all losses, Adam (`FusedAdam` for all, the model
without slices included, but where a row says that it is Keras'), two threads.
Every form of a number of slices is timed in turn within each round, with the
model without slices beside it; ratios are medians over rounds. The floor is
what the arithmetic and the bytes of a step would take in CPU time at the rates
this machine reaches for a large matrix product and a large copy, measured in
the same run, over that of the model without slices. "Narrow" is the trunk
with a linear layer of 128 units at its end, which all slices read; with
"narrow experts" indicators read the 768 before it. Peak memory is that of a
process which makes the model and trains four steps.

It prints the tables of `docs/benchmarks.md`, in under four minutes:
python benchmarks/bench_model.py --snorkel-python /path/to/python
where that Python has Snorkel; without it, Snorkel's rows are missing.
"""

import argparse
import dataclasses
import gc
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import SliceSchema
from slice_tf.training import FusedAdam

DIM, UNITS, BATCH, RANK, THREADS = 768, 128, 256, 8, 2
NARROW = 128  # Width of a linear layer at its end, where the trunk is narrow.
SERVED_BATCHES = (1, 32, BATCH)
FORMS = {
    "without": None,
    "direct": {"form": "direct"},
    "Keras' Adam": {"form": "folded"},
    "folded": {"form": "folded"},
    "low rank": {"form": "folded", "rank": RANK},
    "narrow": {"form": "folded"},
    "narrow, low rank": {"form": "folded", "rank": RANK},
    "narrow experts": {"form": "folded"},
}
MOST_DIRECT = 100  # Slices; of more, a direct step takes many seconds.
IN_MEMORY = ("without", "folded", "low rank", "narrow")
SECONDS = 0.25  # of steps of one kind in one round
# At most so many times the model without slices.
GOALS = {
    (100, "training", "low rank"): 3.0,
    (1000, "training", "low rank"): 12.0,
    (1000, "training", "narrow"): 12.0,
    (100, "inference", "fold()"): 1.3,
    (1000, "inference", "fold()"): 2.2,
    (1000, "inference", "narrow, fold()"): 2.2,
    (1000, "inference", "narrow experts, fold()"): 2.2,
}
# At least so many times faster.
LEAST_TO_DIRECT, LEAST_TO_SNORKEL = 4.0, 25.0


class Timed:
    """A piece of work and its milliseconds, two numbers a round.

    `wall` is what a clock says, `cpu` what the process used on all threads:
    the better one to compare by where others use the machine, too.
    """

    def __init__(self, work):
        self.work, self.wall, self.cpu = work, [], []
        work()
        start = time.perf_counter()
        work()
        self.repeats = max(1, round(SECONDS / (time.perf_counter() - start)))

    def round(self):
        """Times the work once more."""
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(self.repeats):
            self.work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.wall.append(1e3 * wall / self.repeats)
        self.cpu.append(1e3 * cpu / self.repeats)

    def ratio(self, other, clock):
        """Returns the median over rounds of the ratio to another."""
        pairs = zip(getattr(self, clock), getattr(other, clock), strict=True)
        return statistics.median(one / two for one, two in pairs)


def batch_of(num_slices, batch=BATCH):
    """Returns features and targets of one batch."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, DIM)).astype("float32")
    membership = (rng.random((batch, num_slices)) < 0.05).astype("float32")
    targets = {"label": (x[:, 0] > 0).astype("int64")}
    return {"x": x}, {**targets, "membership": membership}


def backbone_of(form):
    """Returns the trunk, and the narrow layer where a form has it."""
    trunk = build_mlp({"x": ((DIM,), "float32")}, (DIM, DIM))
    if "narrow" not in form:
        return trunk
    z = keras.layers.Dense(NARROW, use_bias=False)(trunk.output)
    if "narrow experts" in form:
        z = {"z": z, "indicator_features": trunk.output}
    return keras.Model(trunk.input, z)


def model_of(num_slices, form):
    """Returns a compiled model of one of `FORMS`."""
    arguments = FORMS[form]
    backbone = backbone_of(form)
    names = [f"s{position}" for position in range(num_slices)]
    schema = SliceSchema.from_names(names)
    if arguments is None:
        model = VanillaModel(backbone)
    else:
        rates = [0.05] * num_slices
        model = SliceAwareModel(
            backbone, schema, units=UNITS, slice_rates=rates, **arguments
        )
    plain = form == "Keras' Adam"
    model.compile((keras.optimizers.Adam if plain else FusedAdam)(1e-3))
    return model


def training_step(model, num_slices):
    """Returns a function that makes one step, as `fit` makes it."""
    # Beforehand, as `slice_tf.training.train` does: slots that are made while
    # a step is traced take memory twice.
    model.optimizer.build(model.trainable_variables)
    data = tf.data.Dataset.from_tensors(batch_of(num_slices)).cache().repeat()
    iterator = iter(data.prefetch(2))
    model.make_train_function()
    return lambda: model.train_function(iterator)


def inference(model, batch=BATCH):
    """Returns a function that predicts a batch."""
    call = tf.function(lambda x: model({"x": x}, training=False)["logits"])
    x = tf.constant(batch_of(0, batch)[0]["x"])
    return lambda: call(x).numpy()


class Snorkel:
    """Snorkel's classifier in a process of its own, timed on request.

    Its threads sleep while they wait: they would spin otherwise, and their
    waiting count as work.
    """

    def __init__(self, python, num_slices):
        program = os.path.join(os.path.dirname(__file__), "snorkel_model.py")
        numbers = [str(n) for n in (num_slices, DIM, BATCH, THREADS)]
        self.process = subprocess.Popen(
            [python, program, *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "OMP_WAIT_POLICY": "PASSIVE",
                "KMP_BLOCKTIME": "0",
                "OMP_NUM_THREADS": str(THREADS),
                "MKL_NUM_THREADS": str(THREADS),
            },
        )
        self.training, self.inference = _Answer(), _Answer()
        self.ask()  # The first round warms up.

    def ask(self):
        """Returns wall and CPU milliseconds of a step and of a forward pass."""
        print("round", file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if len(answer) != 4:
            raise SystemExit(
                "Snorkel's process must answer with four numbers. Received: "
                f"answer={answer}, exit status={self.process.wait()}"
            )
        return [float(one) for one in answer]

    def round(self):
        """Times both once more."""
        answers = iter(self.ask())
        for timed in (self.training, self.inference):
            timed.wall.append(next(answers))
            timed.cpu.append(next(answers))

    def close(self):
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()


class _Answer(Timed):
    def __init__(self):
        self.wall, self.cpu = [], []


def rates():
    """Returns operations and bytes a CPU millisecond that this machine does."""
    large = tf.random.normal((2048, 2048))
    product = tf.function(lambda: tf.linalg.matmul(large, large))
    values = tf.Variable(tf.zeros(25_000_000))
    add = tf.function(lambda: values.assign_add(values))
    best = [min(_times(work)) for work in (product, add)]
    return 2 * 2048**3 / best[0], 3 * 4 * 25_000_000 / best[1]


def _times(work):
    work()
    for _ in range(8):
        start = time.process_time()
        work()
        yield 1e3 * (time.process_time() - start)


def operations(num_slices, form, batch):
    """Returns floating-point operations of a forward pass."""
    experts = num_slices + 1
    trunk = 2 * batch * 2 * DIM * DIM
    if form == "without":
        return trunk + 2 * batch * DIM
    dim = NARROW if "narrow" in form else DIM
    if "narrow" in form:
        trunk += 2 * batch * DIM * NARROW
    read = DIM if "narrow experts" in form else dim
    indicators = 2 * batch * read * experts
    if form == "direct":
        return trunk + indicators + 2 * batch * experts * UNITS * (dim + 3)
    width = RANK if "low rank" in form else UNITS
    weights = 0 if "fold()" in form else 2 * experts * dim * width * 2
    return trunk + indicators + weights + 2 * batch * dim * experts * 2


@dataclasses.dataclass(frozen=True)
class Row:
    """One form of a model at one kind of work, beside no slices at it."""

    form: str
    what: str
    batch: int
    timed: Timed
    base: "Row | None" = None
    weights: int = 0

    def floor(self, num_slices, speed):
        """Returns CPU milliseconds that operations and bytes would take.

        A step computes three times a forward pass. It reads every weight,
        writes its gradient, and Adam then reads four numbers a weight and
        writes three.
        """
        flops = operations(num_slices, self.form, self.batch)
        bytes_ = 4 * self.weights
        if self.what == "training":
            flops, bytes_ = 3 * flops, 9 * bytes_
        return flops / speed[0] + bytes_ / speed[1]

    def line(self, num_slices, speed):
        """Returns the row of the table."""
        base = self.base or self
        limit = floor = ""
        if self.weights:
            least, none = (row.floor(num_slices, speed) for row in (self, base))
            limit, floor = f"{least / none:.2f}", f"{least:.2f}"
        goal = GOALS.get((num_slices, self.what, self.form), "")
        cells = (
            num_slices if self.base else 0,
            self.what,
            self.batch,
            "" if self.form == "without" else self.form,
            f"{statistics.median(self.timed.cpu):.2f}",
            floor,
            f"{self.timed.ratio(base.timed, 'cpu'):.2f}",
            limit,
            goal,
            f"{self.timed.ratio(base.timed, 'wall'):.2f}",
            f"{self.weights / 1e6:.2f}" if self.weights else "",
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def measure(num_slices, rounds, snorkel_python, forms):
    """Returns rows, those without slices first."""
    vanilla = model_of(0, "without")
    step = Timed(training_step(vanilla, 0))
    weights = vanilla.count_params()
    trained = Row("without", "training", BATCH, step, weights=weights)
    served = {
        batch: Row(
            "without",
            "inference",
            batch,
            Timed(inference(vanilla, batch)),
            weights=weights,
        )
        for batch in SERVED_BATCHES
    }
    rows = [trained, *served.values()]

    def predict(form, model, batches):
        for batch in batches:
            timed = Timed(inference(model, batch))
            base, size = served[batch], model.count_params()
            rows.append(Row(form, "inference", batch, timed, base, size))

    for form in forms:
        model = model_of(num_slices, form)
        step = Timed(training_step(model, num_slices))
        size = model.count_params()
        rows.append(Row(form, "training", BATCH, step, trained, size))
        if form in ("direct", "folded"):
            predict(form, model, [BATCH])
        if form == "low rank":
            predict("fold()", model.fold(), SERVED_BATCHES)
        if form in ("narrow", "narrow experts"):
            predict(f"{form}, fold()", model.fold(), SERVED_BATCHES)
    peer = Snorkel(snorkel_python, num_slices) if snorkel_python else None
    for _ in range(rounds):
        for row in rows:
            row.timed.round()
        if peer:
            peer.round()
    if peer:
        peer.close()
        rows.append(Row("Snorkel", "training", BATCH, peer.training, trained))
        rows.append(
            Row("Snorkel", "inference", BATCH, peer.inference, served[BATCH])
        )
    return rows


def report(num_slices, rows, speed):
    """Prints one line a row."""
    for what in ("training", "inference"):
        for row in rows:
            if row.what == what:
                print(row.line(num_slices, speed), flush=True)


def times_faster(num_slices, rows):
    """Returns lines of how many times faster forms are than their peers."""
    peers = {
        (row.form, row.what): row.timed
        for row in rows
        if row.form in ("direct", "Snorkel")
    }
    lines = []
    for (peer, what), timed in peers.items():
        least = LEAST_TO_DIRECT if peer == "direct" else LEAST_TO_SNORKEL
        for row in rows:
            if row.form == peer or (row.what, row.batch) != (what, BATCH):
                continue
            if row.form not in ("folded", "low rank", "fold()"):
                continue
            cpu, wall = (timed.ratio(row.timed, c) for c in ("cpu", "wall"))
            goal = f" (goal {least:.0f})" if row.form == "low rank" else ""
            lines.append(
                f"{num_slices} slices, {what}: {row.form} is {cpu:.1f} times "
                f"faster than {peer} by CPU time, {wall:.1f} by the "
                f"clock{goal}"
            )
    return lines


def report_memory(num_slices):
    """Prints the peak memory of each form, measured in processes apart."""
    print("| slices | form | peak, MB | of these the model's, MB |")
    print("|---:|---|---:|---:|")
    for form in IN_MEMORY:
        command = [sys.executable, __file__, "--memory-of", form]
        result = subprocess.run(
            [*command, str(num_slices)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        before, peak = map(int, result.stdout.split())
        slices, name = (0, "") if form == "without" else (num_slices, form)
        print(f"| {slices} | {name} | {peak} | {peak - before} |", flush=True)


def use_memory(form, num_slices):
    """Trains four steps; prints peaks in MB, of imports alone and of all."""
    before = _peak()
    step = training_step(model_of(num_slices, form), num_slices)
    for _ in range(4):
        step()
    print(before, _peak())


def _peak():
    # Not `ru_maxrss`, which a process inherits from the one that started it.
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--forms", nargs="+", default=list(FORMS)[1:])
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--snorkel-python")
    parser.add_argument("--snorkel-slices", type=int, nargs="+", default=[200])
    flags = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    if flags.memory_of:
        use_memory(flags.memory_of[0], int(flags.memory_of[1]))
        return
    speed = rates()
    print(
        f"{speed[0] / 1e6:.0f} GFLOP and {speed[1] / 1e6:.0f} GB a CPU second\n"
        "| slices | what | batch | form | CPU ms | floor, ms | of no slices |"
        " floor | goal | by the clock | million weights |\n"
        "|---:|---|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    faster = []
    for num_slices in flags.slices:
        forms = [
            form
            for form in flags.forms
            if form != "direct" or num_slices <= MOST_DIRECT
        ]
        rows = measure(num_slices, flags.rounds, None, forms)
        report(num_slices, rows, speed)
        faster += times_faster(num_slices, rows)
        del rows
        gc.collect()
    for num_slices in flags.snorkel_slices if flags.snorkel_python else ():
        forms = ["folded", "low rank"]
        rounds, python = flags.rounds, flags.snorkel_python
        rows = measure(num_slices, rounds, python, forms)
        report(num_slices, rows, speed)
        faster += times_faster(num_slices, rows)
        del rows
        gc.collect()
    print("\n" + "\n".join(faster) + "\n")
    if flags.slices:
        report_memory(flags.slices[-1])


if __name__ == "__main__":
    sys.exit(main())

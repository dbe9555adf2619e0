"""Holds the rooms to the design's table of who may import whom."""

import ast
import functools
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = [
    ROOT / "slice_tf",
    ROOT / "beam_jobs" / "slice_tf_beam",
    ROOT / "serving" / "slice_tf_serving",
]
EVERYWHERE = {"lazy_loader", "numpy"}
GROUND_FLOOR = {
    "confidence",
    "files",
    "messages",
    "near_miss",
    "tasks",
}  # Single files that every room may use.
EVERY_ROOM = {"*"}

# Room: what it may import besides the standard library, NumPy and itself.
TABLE = {
    "confidence": set(),
    "files": set(),
    "messages": {"google.protobuf"},
    "near_miss": set(),
    "tasks": {"near_miss"},
    "schema": set(),
    "slicing": {"schema"},
    "data": {"schema", "google_crc32c", "google.protobuf"},
    "data.dataset": {"schema", "data", "tensorflow"},
    "data.copies": {"schema", "data", "tensorflow"},
    "data.deal_batches": {"data", "tensorflow"},
    "data.parse": {"schema", "data", "tensorflow"},
    "data.read_errors": {"schema", "data", "tensorflow"},
    "layers": {"keras"},
    "losses": {"keras"},
    "metrics": {"keras"},
    "models": {"schema", "layers", "losses", "metrics", "keras"},
    "backbones": {
        "keras",
        "tensorflow",
        "tensorflow_hub",
        "safetensors",
        "google.protobuf",
    },
    "training": {
        "mlflow",
        "yaml",
        "backbones",
        "models",
        "losses.recipe",
        "metrics",
        "data",
        "schema",
        "keras",
        "tensorflow",
    },
    "evaluation": {"schema"},
    "evaluation.to_mlflow": {"schema", "mlflow"},
    "evaluation.to_tensorboard": {"schema", "tensorflow"},
    "export": {
        "models",
        "layers",
        "schema",
        "data",
        "tensorflow",
        "keras",
        "google.protobuf",
        "slice_tf",
    },
    "discovery": {"schema", "evaluation", "sklearn"},
    "monitoring": {"schema", "evaluation"},
    "report": {"schema", "evaluation", "monitoring", "discovery", "matplotlib"},
    "slice_tf_beam": {
        "schema",
        "slicing",
        "data",
        "evaluation",
        "discovery",
        "monitoring",
        "apache_beam",
        "google_crc32c",
        "slice_tf",
    },
    "slice_tf_serving": {
        "schema",
        "monitoring",
        "export.signatures",
        "data.framing",
        "tensorflow_serving",
        "grpc",
        "httptools",
        "google.protobuf",
        "tensorflow",
        "orjson",
    },
    # Wiring: it sees every room, and only the command line sees it.
    "programs": EVERY_ROOM,
    "demo": EVERY_ROOM,
    "cli": {"slice_tf"},
    "__main__": {"cli"},
    "slice_tf": set(),
}
SERVABLE = {
    "layers",
    "losses",
    "metrics",
    "models",
    "backbones",
    "training",
    "export",
}


def python_files():
    return [path for source in SOURCES for path in source.rglob("*.py")]


def room_of(module):
    """Returns the room of a dotted module name of ours, else None."""
    parts = module.split(".")
    if parts[0] in ("slice_tf_beam", "slice_tf_serving"):
        return parts[0]
    if parts[0] != "slice_tf":
        return None
    return parts[1] if len(parts) > 1 else "slice_tf"


def module_of(path):
    root = next(source for source in SOURCES if source in path.parents)
    parts = [root.name, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module in ("slice_tf", "google"):
                yield from (f"{node.module}.{a.name}" for a in node.names)
            else:
                yield node.module


def allowed(path):
    module = module_of(path)
    inner = module.removeprefix("slice_tf.")
    return TABLE[inner if inner in TABLE else room_of(module)]


def is_allowed(path, imported):
    permitted = allowed(path)
    top = imported.split(".")[0]
    if top in sys.stdlib_module_names or top in EVERYWHERE:
        return True
    if permitted is EVERY_ROOM:
        return room_of(imported) not in ("programs", "cli") or (
            room_of(imported) == room_of(module_of(path))
        )
    room = room_of(imported)
    if room in GROUND_FLOOR:
        return True
    if room is None:
        return any(
            imported == name or imported.startswith(f"{name}.")
            for name in permitted
        )
    inner = imported.removeprefix("slice_tf.")
    return (
        room in permitted
        or any(inner.startswith(name) for name in permitted if "." in name)
        or room == room_of(module_of(path))
    )


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_a_room_imports_only_what_the_design_allows(path):
    refused = [name for name in imports_of(path) if not is_allowed(path, name)]
    assert refused == []


@pytest.mark.parametrize("path", python_files(), ids=module_of)
def test_rooms_take_only_the_version_from_the_front_door(path):
    tree = tree_of(path)
    front_door = (
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "slice_tf"
    )
    assert set(front_door) <= {"__version__"}


def test_every_room_stands_in_the_table():
    rooms = {room_of(module_of(path)) for path in python_files()}
    assert rooms <= set(TABLE)


def test_no_servable_room_reaches_slicing_by_any_path():
    """The paper's claim: what is served never needs a slicing function."""
    arrows = {}
    for path in python_files():
        room = room_of(module_of(path))
        targets = {room_of(name) for name in imports_of(path)} - {None}
        arrows.setdefault(room, set()).update(targets)
    for start in SERVABLE | {"slice_tf_serving"}:
        reached, todo = set(), [start]
        while todo:
            room = todo.pop()
            if room not in reached:
                reached.add(room)
                todo.extend(arrows.get(room, ()))
        assert "slicing" not in reached, start


def test_rooms_form_no_circle():
    arrows = {}
    for path in python_files():
        room = room_of(module_of(path))
        targets = {room_of(name) for name in imports_of(path)}
        arrows.setdefault(room, set()).update(targets - {None, room})
    order = []
    while arrows:
        free = [r for r, t in arrows.items() if not t & set(arrows)]
        assert free, f"circle among {sorted(arrows)}"
        order += free
        arrows = {r: t for r, t in arrows.items() if r not in free}
    assert order


def test_only_the_files_of_tf_data_know_tensorflow():
    files = [
        module_of(path)
        for path in python_files()
        if room_of(module_of(path)) == "data"
        and any(n.split(".")[0] == "tensorflow" for n in imports_of(path))
    ]
    assert sorted(files) == [
        "slice_tf.data.copies",
        "slice_tf.data.dataset",
        "slice_tf.data.deal_batches",
        "slice_tf.data.parse",
        "slice_tf.data.read_errors",
    ]


def test_no_file_is_two_things():
    long = [
        module_of(path)
        for path in python_files()
        if len(path.read_text(encoding="utf-8").splitlines()) > 500
    ]
    assert long == []

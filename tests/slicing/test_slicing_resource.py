import pickle
import threading

import pytest

import slicing_loaders
from slice_tf.slicing import (
    Resource,
    ResourceError,
    Row,
    SlicingFunction,
    apply_functions,
    open_resources,
    preprocessor,
    slicing_function,
)

ROWS = [Row.from_mapping({"n": n}) for n in range(3)]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "loads"


def loads(log):
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_equal_resources_are_loaded_once_a_process(log):
    by_path = Resource("slicing_loaders:load", str(log), value="a")
    by_function = Resource(slicing_loaders.load, str(log), value="a")
    assert by_path.get() is by_function.get() is by_path.get()
    assert loads(log) == 1
    other = Resource("slicing_loaders:load", str(log), value="b")
    assert other.get().value == "b"
    assert loads(log) == 2


def test_threads_load_once(log):
    resource = Resource("slicing_loaders:load", str(log))
    start = threading.Barrier(8)
    found = []

    def get():
        start.wait()
        found.append(resource.get())

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert loads(log) == 1


def test_a_function_gets_what_it_uses(log):
    resource = Resource("slicing_loaders:load", str(log), value="ab")

    @slicing_function(uses={"word": resource})
    def short(row, word):
        return row.int("n") < len(word.value)

    @slicing_function(uses={"word": resource}, batch=True)
    def long(batch, word):
        return batch["n"] >= len(word.value)

    assert loads(log) == 0
    votes = apply_functions([short, long], ROWS)
    assert votes.membership.tolist() == [[1, 0], [1, 0], [0, 1]]
    assert (short(ROWS[0]), loads(log)) == (True, 1)


def test_a_resource_is_never_pickled(log):
    resource = Resource("slicing_loaders:load", str(log))
    resource.get().value = "x" * 10_000
    pickled = pickle.dumps(resource)
    assert len(pickled) < 1_000
    assert pickle.loads(pickled).get() is resource.get()


def test_a_failing_loader_ends_the_job_and_is_named():
    broken = SlicingFunction(
        lambda row, model: True,
        "broken",
        uses={"model": Resource("slicing_loaders:fail", "rcnn")},
    )
    message = r"must load.*:fail\('rcnn'\), error=OSError: no such model"
    with pytest.raises(ResourceError, match=message):
        apply_functions([broken], ROWS)
    with pytest.raises(ResourceError, match=message):
        broken(ROWS[0])
    assert apply_functions([broken], []).membership.shape == (0, 1)


@pytest.mark.parametrize(
    ("loader", "received"),
    [
        (
            "slicing_loaders:laod",
            "attribute='laod'. Did you mean load",
        ),
        (
            "slicing_laoders:load",
            "not found=slicing_laoders. Did you mean slicing_loaders",
        ),
    ],
)
def test_a_misspelt_loader_is_named(loader, received):
    with pytest.raises(ResourceError, match=received):
        Resource(loader).get()


def test_a_loader_that_failed_is_tried_again(tmp_path):
    (tmp_path / "flaky_loader.py").write_text(
        "import pathlib\ndef load(path):\n"
        "    return pathlib.Path(path).read_text()\n"
    )
    file = tmp_path / "flaky_loader.py"
    resource = Resource(f"{file}:load", str(tmp_path / "model"))
    with pytest.raises(ResourceError, match="FileNotFoundError"):
        resource.get()
    (tmp_path / "model").write_text("here")
    assert resource.get() == "here"


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (["m:f", {1}], {}, TypeError, "plain values.*type=set"),
        (["m:f", ROWS[0]], {}, TypeError, "type=Row"),
        (["m:f", [object]], {}, TypeError, "type=type"),
        (["m:f"], {"share": "all"}, ValueError, "share='all'"),
        (["m"], {}, ValueError, "`module:function`.*loader='m'"),
        ([3], {}, TypeError, "function=3"),
        ([lambda: 1], {}, ValueError, "must have a name in its module"),
    ],
)
def test_what_is_no_resource_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Resource(*arguments, **options)


def anything(row, **uses):
    return True


def test_the_fingerprint_covers_what_is_used():
    def print_of(**uses):
        return SlicingFunction(anything, "f", uses=uses).fingerprint

    one, other = Resource("m:f", 1), Resource("m:f", 2)
    prints = {print_of(), print_of(a=one), print_of(b=one), print_of(a=other)}
    assert len(prints) == 4
    assert print_of(a=one) == print_of(a=Resource("m:f", 1))


@pytest.mark.parametrize(
    ("uses", "error", "message"),
    [
        ({"lexicon": Resource("m:f")}, ValueError, "parameters.*lexicon"),
        ({"row": 3}, TypeError, "row=3. Plain values may be default"),
        (["a"], TypeError, r"must map parameter names.*uses=\['a'\]"),
    ],
)
def test_uses_are_checked(uses, error, message):
    with pytest.raises(error, match=message):
        SlicingFunction(lambda row: True, "f", uses=uses)


def test_resources_are_opened_before_anybody_is_asked(log):
    resource = Resource("slicing_loaders:load", str(log))
    inner = preprocessor(name="inner", uses={"word": resource})(
        lambda row, word: word
    )
    outer = preprocessor(name="outer", uses={"inner": inner})(
        lambda row, inner: inner
    )
    user = SlicingFunction(
        lambda row, outer: True, "user", uses={"outer": outer}
    )
    open_resources([user, user])
    assert loads(log) == 1
    broken = SlicingFunction(
        lambda row, model: True,
        "broken",
        uses={"model": Resource("slicing_loaders:fail", "rcnn")},
    )
    with pytest.raises(ResourceError, match="no such model: rcnn"):
        open_resources([user, broken])

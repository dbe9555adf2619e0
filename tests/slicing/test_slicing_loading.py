import pickle
import subprocess
import sys

import pytest

from slice_tf.slicing import load

SLICES = """
from slice_tf.slicing import SlicingFunction, slicing_function

@slicing_function
def short(row):
    return len(row.text("text")) < 3

def helper(row):
    return True

@slicing_function(name="loud")
def shouts(row):
    return row.text("text").isupper()

WORDS = [
    SlicingFunction(lambda row, word=word: word in row.text("text"), name=word)
    for word in ("night", "rain")
]
MIXED = [short, helper]
again = shouts
"""


@pytest.fixture(params=["my_slices.py", "absolute"])
def file(request, tmp_path, monkeypatch):
    path = tmp_path / "my_slices.py"
    path.write_text(SLICES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return str(path) if request.param == "absolute" else request.param


def names(path):
    return [function.name for function in load(path)]


def test_a_file_gives_all_its_functions_in_order(file):
    assert names(file) == ["short", "loud", "night", "rain"]


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("shouts", ["loud"]), ("WORDS", ["night", "rain"]), ("again", ["loud"])],
)
def test_an_attribute_is_one_function_or_a_list(file, attribute, expected):
    assert names(f"{file}:{attribute}") == expected


def test_a_file_is_run_once(file):
    assert load(f"{file}:short")[0] is load(file)[0]


def test_a_module_is_found_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    package = tmp_path / "loading_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "slices.py").write_text(SLICES)
    monkeypatch.chdir(tmp_path)
    assert names("loading_package.slices:shouts") == ["loud"]
    assert names("loading_package.slices")[:2] == ["short", "loud"]
    message = r"not found=loading_package\.slice\. Did you mean slices"
    with pytest.raises(ValueError, match=message):
        load("loading_package.slice")


def test_a_file_may_import_what_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "loading_beside.py").write_text("LIMIT = 3")
    main = tmp_path / "main_slices.py"
    main.write_text(f"from loading_beside import LIMIT\n{SLICES}")
    assert names(str(main))[0] == "short"


def test_a_worker_that_starts_elsewhere_loads_a_file(tmp_path):
    path = tmp_path / "my_slices.py"
    path.write_text(SLICES)
    program = (
        "import pickle, sys; from slice_tf.slicing import load;"
        "one = load(sys.argv[1])[0];"
        "assert pickle.loads(pickle.dumps(one)) is one;"
        "print(one.import_path, one.fingerprint)"
    )
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd="/"
    )
    (short,) = load(f"{path}:short")
    assert done.stdout.split() == [f"{path}:short", short.fingerprint]


def test_a_pickled_function_of_a_file_is_revived_in_another_process(tmp_path):
    path = tmp_path / "my_slices.py"
    path.write_text(SLICES)
    pickled = pickle.dumps(load(str(path))[0])
    program = "import pickle, sys; print(pickle.loads(eval(sys.argv[1])).name)"
    command = [sys.executable, "-c", program, repr(pickled)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "short\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module_x", "module=no_such_module_x, not found=no_such_mod"),
        ("slice_tf.slicin", "not found=slice_tf.slicin. Did you mean slicing"),
        ("slice_tf.schema.x", "not found=slice_tf.schema.x"),
        ("", "not found="),
        (".relative", "not found=.relative"),
        ("a-b:c", "not found=a-b"),
        ("slice_tf.schema", "module=slice_tf.schema. Decorate its functions"),
        ("nothing/here.py", "file that exists. Received: file=nothing/here.py"),
        ("slices", "not found=slices.*A file is named by its path"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(path, message):
    with pytest.raises(ValueError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (":shorts", "attribute='shorts'. Did you mean short?"),
        (":helper", "attribute='helper', type=function. Decorate"),
        (":MIXED", "attribute='MIXED', type=list"),
        (":SlicingFunction", "type=type"),
    ],
)
def test_attributes_that_are_no_functions_are_refused(file, attribute, message):
    with pytest.raises(ValueError, match=message):
        load(f"{file}{attribute}")


def test_a_misspelled_file_is_near_another(file):
    with pytest.raises(
        ValueError, match=r"my_slice.py. Did you mean my_slices"
    ):
        load(file.replace("my_slices", "my_slice"))


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="file that exists"):
        load(f"{tmp_path}/")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_package", "ModuleNotFoundError: No module named"),
        ("def (", "SyntaxError: "),
        ("int('x')", "ValueError: invalid literal"),
        ("import json; json.loads('')", "JSONDecodeError: "),
    ],
)
@pytest.mark.parametrize("form", ["file", "module"])
def test_a_file_that_fails_is_named_with_its_line(
    tmp_path, monkeypatch, form, line, error
):
    name = tmp_path.name  # of its own in every test
    path = tmp_path / f"{name}.py"
    path.write_text(f"X = 1\n\n{line}\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = f"must be importable.*file={path}, line=3, error={error}"
    with pytest.raises(ValueError, match=message):
        load(str(path) if form == "file" else name)


def test_a_file_that_failed_may_be_mended(tmp_path):
    path = tmp_path / "my_slices.py"
    path.write_text("1 / 0")
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        load(str(path))
    path.write_text(SLICES)
    assert names(str(path))[0] == "short"

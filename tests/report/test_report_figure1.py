import dataclasses

import matplotlib.image
import numpy as np
import pytest

from slice_tf.report import Disc, Regions, Scene, draw_figure1

AXIS = np.linspace(-1, 1, 11)
RNG = np.random.default_rng(0)
SCENE = Scene(
    points=RNG.uniform(-1, 1, (60, 2)),
    labels=RNG.integers(0, 2, 60),
    memberships=RNG.integers(0, 2, (60, 2)),
    slices={"s1": Disc((0.25, 0.0), 0.2), "s2": Disc((-0.3, -0.5), 0.15)},
)
PLANE = np.broadcast_to(AXIS > 0, (11, 11)).astype(float)
REGIONS = Regions(AXIS, vanilla=PLANE, slice_aware=PLANE.T)
ACCURACIES = {"s1": (0.5, 0.97), "all": (0.98, 0.96)}


def test_png_is_a_picture_of_the_stated_size(tmp_path):
    path = draw_figure1(tmp_path / "a.png", SCENE, REGIONS, ACCURACIES)
    assert matplotlib.image.imread(path).shape == (1108, 2400, 4)
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_same_scene_gives_the_same_svg(tmp_path):
    one, other = (
        draw_figure1(tmp_path / name, SCENE, REGIONS, ACCURACIES)
        for name in ("a.svg", "b.svg")
    )
    assert one.read_bytes() == other.read_bytes()
    assert one.read_text().startswith("<?xml")


def test_each_model_is_charged_with_its_own_mistakes(tmp_path, monkeypatch):
    """Text stays text here, so that it can be read from the file."""
    from slice_tf.report import palette

    monkeypatch.setitem(palette.STYLE, "svg.fonttype", "none")
    path = draw_figure1(tmp_path / "a.svg", SCENE, REGIONS, ACCURACIES)
    text = path.read_text()
    for column in (0, 1):
        # The nearest grid lines are 0.0 and 0.2; only 0.2 is of class 1.
        guesses = SCENE.points[:, column] > 0.1
        wrong = int((guesses != (SCENE.labels == 1)).sum())
        assert f"wrong: {wrong} of 60 ({100 * wrong / 60:.1f} %)" in text


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"end in one of .png, .svg.*a\.pdf"):
        draw_figure1(tmp_path / "a.pdf", SCENE, REGIONS, ACCURACIES)


@pytest.mark.parametrize("name", ["points", "labels", "memberships"])
def test_arrays_must_belong_together(tmp_path, name):
    scene = dataclasses.replace(SCENE, **{name: np.zeros((60, 3))})
    message = rf"`{name}` must be.*{name}.shape=\(60, 3\)"
    with pytest.raises(ValueError, match=message):
        draw_figure1(tmp_path / "a.png", scene, REGIONS, ACCURACIES)


def test_there_must_be_accuracies(tmp_path):
    with pytest.raises(ValueError, match="accuracies to show"):
        draw_figure1(tmp_path / "a.png", SCENE, REGIONS, {})
    assert list(tmp_path.iterdir()) == []

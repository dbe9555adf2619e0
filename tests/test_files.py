import pytest

from slice_tf.files import replacing, staged_directory


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_two_writers_of_one_file_do_not_share_a_temporary_one(tmp_path):
    final = tmp_path / "file"
    with replacing(final) as first, replacing(final) as second:
        first.write_text("first")
        second.write_text("second")
    assert names(tmp_path) == ["file"]
    assert final.read_text() == "first"


def test_a_directory_appears_when_it_is_whole(tmp_path):
    with staged_directory(tmp_path / "new" / "whole") as staging:
        (staging / "part").write_text("one")
        assert not (tmp_path / "new" / "whole").exists()
    assert (tmp_path / "new" / "whole" / "part").read_text() == "one"
    assert names(tmp_path / "new") == ["whole"]


@pytest.mark.parametrize("replace", [False, True])
def test_what_stood_there_stays_where_the_body_fails(tmp_path, replace):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").touch()

    def interrupted():
        with staged_directory(tmp_path / "there", replace) as staging:
            (staging / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == ["old"]


def test_a_full_directory_gives_way_only_where_it_may(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").touch()
    with (
        pytest.raises(OSError, match="there"),
        staged_directory(tmp_path / "there"),
    ):
        pass
    assert names(tmp_path / "there") == ["old"]
    with staged_directory(tmp_path / "there", replace=True) as staging:
        (staging / "new").touch()
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == ["new"]

"""One model is written the same way twice."""

from tensorflow.core.protobuf import fingerprint_pb2

from exported_task import made
from slice_tf.export import export_saved_model

# In another process, TensorFlow counts its functions from the start and the
# graph is the same to the byte; the identifier is drawn anew each time, and
# the checksums hold the sum of what it stands in.
VARIED = {"saved_model.pb", "fingerprint.pb", "assets.extra/SHA256SUMS"}


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_two_exports_differ_in_what_tensorflow_varies(tmp_path):
    one = made("multi_class")
    first, second = (
        files(
            export_saved_model(
                one.model,
                tmp_path / name,
                one.spec,
                slice_heads=["large"],
                weights="float16",
            )
        )
        for name in "ab"
    )
    assert first.keys() == second.keys()
    changed = {name for name in first if first[name] != second[name]}
    assert changed == VARIED
    prints = [
        fingerprint_pb2.FingerprintDef.FromString(one["fingerprint.pb"])
        for one in (first, second)
    ]
    for one in prints:
        one.ClearField("uuid")
        one.ClearField("saved_model_checksum")
    assert prints[0] == prints[1]
    assert prints[0].graph_def_program_hash

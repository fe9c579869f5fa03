"""tf_keras (Keras 2) and real Keras 3 open the .h5 files that write_keras_files
wrote, and Keras 2's JSON beside them, and agree.

usage: python keras2_opens_ours.py FOLDER   (needs keras, tf_keras, tensorflow)

For each NAME.h5: the predictions on NAME.npz's x0, x1, ... equal y0, y1, ...,
from the whole model and from NAME.keras2.json with NAME_weights.h5; or, where
NAME.npz holds train_x, both predict the same from it.
See keras_environment.sh for a throw-away environment.
"""
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # SpectralNormalization reads tf.keras
import h5py
import keras
import numpy as np
import tf_keras


# tf_keras does not find this one of its own layers in a .h5 file.
tf_keras.utils.get_custom_objects()["SpectralNormalization"] = (
    tf_keras.layers.SpectralNormalization
)


def error(a, b):
    return float(np.max(np.abs(np.asarray(a) - b)) / max(1.0, np.max(np.abs(b))))


def predict(model, data):
    xs = [data[k] for k in sorted(data) if k.startswith("x")]
    ys = [data[k] for k in sorted(data) if k.startswith("y")]
    out = model.predict(xs if len(xs) > 1 else xs[0], verbose=0)
    out = out if isinstance(out, list) else [out]
    return max(error(o, y) for o, y in zip(out, ys, strict=True))


def is_for_keras2_alone(path):
    """Keras 2 counts the calls of a model inside a model from one, Keras 3, when
    it reads Keras 2's files, from zero: it opens none that has such, nor the
    shapes that Keras 2 keeps of a MultiHeadAttention."""
    with h5py.File(path) as file:
        config = json.loads(file.attrs["model_config"])
    return any(
        layer["class_name"] in ("Functional", "Sequential", "MultiHeadAttention")
        for layer in config["config"]["layers"]
    )


def checks(path):
    data = np.load(path.with_suffix(".npz"))
    if "train_x" in data:
        # Keras 3 cannot compile from a .h5 file whose loss is named "mse"; what
        # is compared is the model.
        ours = tf_keras.models.load_model(path, compile=False)
        theirs = keras.models.load_model(path, compile=False)
        x = data["train_x"]
        difference = error(ours.predict(x, verbose=0), theirs.predict(x, verbose=0))
        yield "keras 2 and keras 3", difference, 1e-5
        return
    if not is_for_keras2_alone(path):
        model = keras.models.load_model(path, compile=False)
        yield "keras 3", predict(model, data), 1e-5
    yield "keras 2", predict(tf_keras.models.load_model(path), data), 1e-5
    parts = tf_keras.models.model_from_json(
        path.with_suffix(".keras2.json").read_text()
    )
    parts.load_weights(path.with_name(path.stem + "_weights.h5"))
    yield "keras 2, JSON and weights", predict(parts, data), 1e-5


failed = passed = 0
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.h5")):
    if file.name.endswith("_weights.h5"):
        continue
    for who, worst, limit in checks(file):
        good = worst <= limit
        failed += not good
        passed += good
        print(f"{'ok ' if good else 'BAD'} {file.name} in {who}: {worst:.2e}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or passed == 0)

"""Real Keras opens the files that write_keras_files wrote and agrees.

usage: python keras_opens_ours.py FOLDER     (needs keras and tensorflow-cpu)

For each NAME.keras: the predictions on NAME.npz's x0, x1, ... (strings are in
NAME.texts.json) equal y0, y1, ...;
or, where NAME.npz holds train_x, one more training step from the file gives the
same loss and weights.
"""
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf


def error(a, b):
    return float(np.max(np.abs(np.asarray(a) - b)) / max(1.0, np.max(np.abs(b))))


def check(path):
    data = dict(np.load(path.with_suffix(".npz")))
    texts = path.with_suffix(".texts.json")
    if texts.exists():
        data |= {k: tf.constant(v) for k, v in json.loads(texts.read_text()).items()}
    model = keras.models.load_model(path)
    if "train_x" not in data:
        xs = [data[k] for k in sorted(data) if k.startswith("x")]
        ys = [data[k] for k in sorted(data) if k.startswith("y")]
        out = model.predict(xs if len(xs) > 1 else xs[0], verbose=0)
        out = out if isinstance(out, list) else [out]
        return max(error(o, y) for o, y in zip(out, ys, strict=True)), 1e-5
    logs = model.train_on_batch(data["train_x"], data["train_y"], return_dict=True)
    worst = abs(float(logs["loss"]) - float(data["loss"]))
    for i, weight in enumerate(model.get_weights()):
        worst = max(worst, error(weight, data[f"after{i}"]))
    return worst, 2e-5


failed = 0
files = sorted(pathlib.Path(sys.argv[1]).glob("*.keras"))
for file in files:
    worst, limit = check(file)
    failed += worst > limit
    print(f"{'ok ' if worst <= limit else 'BAD'} {file.name}: {worst:.2e}")
print(f"{len(files) - failed} passed, {failed} failed")
sys.exit(failed > 0 or not files)

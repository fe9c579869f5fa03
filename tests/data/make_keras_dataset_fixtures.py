"""Small archives like those of keras.datasets, and what Keras makes of them.

    python3 make_keras_dataset_fixtures.py     (keras, numpy)

Writes tests/data/keras_datasets; tests/data_module/keras_datasets_test.cpp reads
it.
"""
import io
import json
import pathlib
import pickle
import zipfile
from unittest import mock

import numpy as np
from keras import datasets

OUT = pathlib.Path(__file__).parent / "keras_datasets"


def ragged(rng, rows):
    return [list(map(int, rng.integers(1, 40, rng.integers(1, 9)))) for _ in range(rows)]


def objects(rows):
    out = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out


def npy_of_objects(rows, protocol):
    """As np.save writes it, with a protocol of our choice."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": "|O", "fortran_order": False, "shape": (len(rows),)}
    )
    pickle.dump(objects(rows), out, protocol=protocol)
    return out.getvalue()


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def archive(name, members):
    with zipfile.ZipFile(OUT / name, "w", zipfile.ZIP_DEFLATED) as z:
        for key, content in members.items():
            z.writestr(zipfile.ZipInfo(key + ".npy"), content)


def plain(part):
    x, y = part
    return {"x": [list(map(int, row)) for row in x], "y": [int(v) for v in y]}


def cases(load, path, arguments):
    out = []
    for given in arguments:
        with mock.patch(f"{load.__module__}.get_file", lambda *a, **k: str(path)):
            train, test = load(**given)
        out.append({"arguments": given, "train": plain(train), "test": plain(test)})
    return out


def main():
    OUT.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    expected = {}
    archive(
        "imdb.npz",
        {
            "x_train": npy_of_objects(ragged(rng, 20), 3),
            "y_train": npy(rng.integers(0, 2, 20)),
            "x_test": npy_of_objects(ragged(rng, 12), 4),
            "y_test": npy(rng.integers(0, 2, 12)),
        },
    )
    archive(
        "reuters.npz",
        {
            "x": npy_of_objects(ragged(rng, 25) + [[70000, 300, 2**40]], 3),
            "y": npy(rng.integers(0, 46, 26)),
        },
    )
    shared = [
        {},
        {"num_words": 20, "skip_top": 4},
        {"num_words": 20, "oov_char": None},
        {"maxlen": 6, "seed": 3},
        {"start_char": None, "index_from": 0},
        {"start_char": None, "num_words": 30},
        {"start_char": 5, "oov_char": 6, "index_from": 10, "num_words": 35},
    ]
    expected["imdb"] = cases(datasets.imdb.load_data, OUT / "imdb.npz", shared)
    expected["reuters"] = cases(
        datasets.reuters.load_data,
        OUT / "reuters.npz",
        shared + [{"test_split": 0.5}, {"test_split": 0.33, "maxlen": 7}],
    )
    x = np.arange(37 * 13, dtype="float64").reshape(37, 13)
    np.savez(OUT / "boston_housing.npz", x=x, y=x[:, 0] / 2)
    x = np.arange(640 * 8, dtype="float32").reshape(640, 8)
    np.savez(OUT / "california_housing.npz", x=x, y=x[:, 0] / 2)
    for name, arguments in (
        ("boston_housing", [{}, {"test_split": 0.35, "seed": 5}, {"test_split": 0}]),
        ("california_housing", [{"version": "large"}, {"version": "small", "seed": 1}]),
    ):
        out = []
        for given in arguments:
            module = getattr(datasets, name)
            path = str(OUT / f"{name}.npz")
            with mock.patch(
                f"{module.load_data.__module__}.get_file", lambda *a, **k: path
            ):
                (_, train), (_, test) = module.load_data(**given)
            out.append({"arguments": given, "train": train.tolist(), "test": test.tolist()})
        expected[name] = out
    (OUT / "expected.json").write_text(json.dumps(expected, separators=(",", ":")))


if __name__ == "__main__":
    main()

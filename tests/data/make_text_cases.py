"""Writes tests/data/text: what TensorFlow's string functions and Keras's layers on text yield, and small models of real
Keras with vocabularies. usage: python make_text_cases.py (Keras 3.15, TensorFlow)"""

import json
import os
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "text")
os.makedirs(HERE, exist_ok=True)
rng = random.Random(7)


def hexed(data):
    return data.hex()


def strings():
    """Functions on bytes, in hexadecimal."""
    texts = [bytes(rng.randrange(256) for _ in range(n)) for n in [*range(0, 70), 127, 128, 129, 200, 1000]]
    buckets = 2**61 - 1
    fast = tf.strings.to_hash_bucket_fast(texts, buckets).numpy().tolist()
    strong = tf.strings.to_hash_bucket_strong(texts, buckets, [133, 137]).numpy().tolist()
    pieces = [
        "a\u00e9\u4e2d\U0001f600z".encode(), b"\xff\xfea", b"\xe4\xb8", b"\xe4\xb8a", b"\xf0\x9f\x98", b"\xed\xa0\x80x",
        b"\xc0\xafy", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe0\x80\x80", b"\x80\x80", b"", b"\xf8\x88\x80\x80\x80",
    ]
    for _ in range(100):
        pieces.append(bytes(rng.choice([0x20, 0x41, 0x80, 0xA0, 0xBF, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0x90, 0x8F]) for _ in range(6)))
    characters = [[hexed(c) for c in row] for row in tf.strings.unicode_split(pieces, "UTF-8").to_list()]
    spaced = [b" a\tb\nc\x0bd\x0ce\rf ", "a\u00a0b\u2003c d".encode(), b"\x1ca\x1db", b"a\x00b", b""]
    words = [[hexed(w) for w in row] for row in tf.strings.split(spaced).to_list()]
    every = [bytes([c]) for c in range(1, 128)]
    plain = tf.strings.regex_replace(every, r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']', "").numpy().tolist()
    lowered = tf.strings.lower(["\u00c4\u00d6 ABC xyz\u0130".encode()]).numpy()[0]
    grams = tf.strings.ngrams(tf.ragged.constant([["a", "b", "c"], ["x"], []]), (1, 3), separator=" ").to_list()
    return {
        "fast": [[hexed(t), str(v)] for t, v in zip(texts, fast)],
        "strong": [[hexed(t), str(v)] for t, v in zip(texts, strong)],
        "characters": [[hexed(t), c] for t, c in zip(pieces, characters)],
        "words": [[hexed(t), w] for t, w in zip(spaced, words)],
        "punctuation": hexed(b"".join(e for e, p in zip(every, plain) if p == b"")),
        "lower": [hexed("\u00c4\u00d6 ABC xyz\u0130".encode()), hexed(lowered)],
        "ngrams": [[t.decode() for t in row] for row in grams],
    }


def quantiles():
    """Discretization's boundaries, in one part and in several."""
    out = []
    g = np.random.default_rng(3)
    for n, bins, epsilon in [(10, 3, 0.1), (200, 4, 0.01), (1000, 7, 0.01), (5, 10, 0.01), (333, 5, 0.03)]:
        values = g.standard_normal(n).round(3).astype("float32")
        one = L.Discretization(num_bins=bins, epsilon=epsilon)
        one.adapt(values)
        parts = L.Discretization(num_bins=bins, epsilon=epsilon)
        parts.adapt(iter(np.array_split(values, 3)))
        out.append({"values": values.tolist(), "bins": bins, "epsilon": epsilon, "one": one.bin_boundaries, "parts": parts.bin_boundaries})
    return out


def vectorize(mode, **options):
    layer = L.TextVectorization(output_mode=mode, **options)
    layer.adapt(["the cat sat", "the dog \u00e4", "a bird flew"])
    return layer


def models():
    keras.utils.set_random_seed(1)
    text = keras.Input((1,), dtype="string", name="text")
    x = vectorize("int", output_sequence_length=4)(text)
    x = L.GlobalAveragePooling1D()(L.Embedding(12, 3)(x))
    save("words", keras.Model(text, L.Dense(1)(x)), [tf.constant([["the cat"], ["zzz a"], [""]])])
    stack = keras.Sequential([keras.Input((), dtype="string"), vectorize("tf_idf"), L.Dense(2)])
    save("tf_idf", stack, [tf.constant(["the cat", "zzz a", ""])])
    a = keras.Input((1,), dtype="string", name="a")
    b = keras.Input((1,), dtype="int64", name="b")
    c = keras.Input((1,), name="c")
    terms = L.StringLookup()
    terms.adapt(["x", "y", "x"])
    numbers = L.IntegerLookup(output_mode="one_hot")
    numbers.adapt([5, 6, 5])
    bins = L.Discretization(num_bins=3, epsilon=0.1)
    bins.adapt(np.arange(10.0))
    parts = [
        L.CategoryEncoding(3, output_mode="one_hot")(terms(a)),
        L.Dense(2)(L.CategoryEncoding(3, output_mode="one_hot")(bins(c))),
        numbers(b),
        L.HashedCrossing(7, output_mode="one_hot")([a, b]),
        L.Hashing(4, output_mode="one_hot")(a),
    ]
    save("categories", keras.Model([a, b, c], parts), [tf.constant([["x"], ["q"]]), np.array([[5], [9]]), np.array([[1.5], [8.0]], "float32")])
    inner_in = keras.Input((), dtype="string")
    inner = keras.Model(inner_in, L.Dense(3)(vectorize("count")(inner_in)), name="inner")
    outer_in = keras.Input((), dtype="string")
    save("nested", keras.Model(outer_in, L.Dense(1)(inner(outer_in))), [tf.constant(["the cat", "a a a"])])


def save(name, model, inputs):
    model.save(os.path.join(HERE, name + ".keras"))
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    def plain(v):
        return [plain(i) for i in v] if isinstance(v, list) else v.decode() if isinstance(v, bytes) else v

    decoded = [plain(np.asarray(i).tolist()) for i in inputs]
    with open(os.path.join(HERE, name + ".json"), "w") as f:
        json.dump({"inputs": decoded, "outputs": [o.tolist() for o in outputs]}, f)


def feature_space():
    """A table through keras.utils.FeatureSpace: every kind of feature, and crosses."""
    g = np.random.default_rng(5)
    n = 50
    table = {
        "f": g.standard_normal(n).round(2).astype("float32"),
        "scaled": g.standard_normal(n).round(2).astype("float32"),
        "normal": g.standard_normal(n).round(2).astype("float32"),
        "bins": g.standard_normal(n).round(2).astype("float32"),
        "ints": g.integers(0, 5, n).astype("int32"),
        "words": np.array([["red", "green", "blue"][i] for i in g.integers(0, 3, n)]),
        "hashed_ints": g.integers(0, 100, n).astype("int32"),
        "hashed_words": np.array([f"w{i}" for i in g.integers(0, 20, n)]),
    }
    F = keras.utils.FeatureSpace
    space = F(
        features={
            "f": "float",
            "scaled": F.float_rescaled(scale=2.0, offset=1.0),
            "normal": "float_normalized",
            "bins": F.float_discretized(num_bins=4),
            "ints": "integer_categorical",
            "words": F.string_categorical(max_tokens=3),
            "hashed_ints": F.integer_hashed(num_bins=5),
            "hashed_words": F.string_hashed(num_bins=6),
        },
        crosses=[F.cross(("words", "ints"), crossing_dim=7), F.cross(("bins", "words"), crossing_dim=3)],
        output_mode="concat",
    )
    space.adapt(tf.data.Dataset.from_tensor_slices(table))
    first = {k: v[:6] for k, v in table.items()}
    return {
        "table": {k: v.tolist() for k, v in table.items()},
        "rows": 6,
        "output": np.asarray(space(first)).tolist(),
    }


with open(os.path.join(HERE, "feature_space.json"), "w") as f:
    json.dump(feature_space(), f)
with open(os.path.join(HERE, "strings.json"), "w") as f:
    json.dump(strings(), f, indent=0)
with open(os.path.join(HERE, "quantiles.json"), "w") as f:
    json.dump(quantiles(), f)
models()

#!/usr/bin/env python3
"""Writes tests/data/operations/cases.json: functional models whose layers are
Keras's operations, as Keras saves them, with what Keras computes.

Run with Keras 3.15 on TensorFlow:  make_operation_cases.py OUT.json
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import Input, Model, ops

random = np.random.RandomState(7)
ARRAYS = {
    "a": random.uniform(-1.5, 1.5, (2, 4, 6)),
    "b": random.uniform(0.25, 2, (2, 4, 6)),
    "i": random.randint(0, 4, (2, 4, 6)),
}
DTYPES = {"a": "float32", "b": "float32", "i": "int32"}

CASES = {
    "negative": lambda a, b, i: -a,
    "arithmetic": lambda a, b, i: a * 2.0 + b / 3.0 - a * b,
    "reversed": lambda a, b, i: (1.0 - a) * (2.0**b),
    "power": lambda a, b, i: a**2 + b**0.5,
    "mod": lambda a, b, i: a % 2.0 + a // 0.5,
    "integers": lambda a, b, i: i * 2 + i % 3,
    "integers_divided": lambda a, b, i: i / 3,
    "integers_with_floats": lambda a, b, i: i + a,
    "integers_with_fraction": lambda a, b, i: i * 0.5,
    "array_constant": lambda a, b, i: a + np.arange(6, dtype="float32"),
    "tensor_constant": lambda a, b, i: ops.multiply(
        a, ops.convert_to_tensor([1.0, 2, 3, 4, 5, 6])
    ),
    "abs": lambda a, b, i: abs(a),
    "compare": lambda a, b, i: ops.cast(a > b, "float32"),
    "where": lambda a, b, i: ops.where(a > 0, a, 0.0) + ops.where(a > b, a, b),
    "get_item": lambda a, b, i: a[:, 1:3],
    "get_item_ellipsis": lambda a, b, i: a[..., 0],
    "get_item_step": lambda a, b, i: a[:, ::-1, 1::2],
    "get_item_newaxis": lambda a, b, i: a[:, None, -1],
    "sum_all": lambda a, b, i: ops.sum(a),
    "sum": lambda a, b, i: ops.sum(a, axis=(1, 2), keepdims=True),
    "sum_integers": lambda a, b, i: ops.sum(i, axis=1),
    "max": lambda a, b, i: ops.max(a, axis=-1),
    "max_initial": lambda a, b, i: ops.max(a, axis=1, initial=0.5),
    "min": lambda a, b, i: ops.min(a, axis=1),
    "mean_integers": lambda a, b, i: ops.mean(i, axis=1),
    "var": lambda a, b, i: ops.var(a, axis=1),
    "std": lambda a, b, i: ops.std(a, axis=1),
    "logsumexp": lambda a, b, i: ops.logsumexp(a, axis=-1),
    "argmax": lambda a, b, i: ops.argmax(a, axis=1),
    "argmin_flat": lambda a, b, i: ops.argmin(a),
    "any": lambda a, b, i: ops.any(a > 0, axis=1),
    "all": lambda a, b, i: ops.all(b > 0.3, axis=1),
    "prod": lambda a, b, i: ops.prod(a, axis=1),
    "count_nonzero": lambda a, b, i: ops.count_nonzero(i, axis=1),
    "norm": lambda a, b, i: ops.norm(a, axis=-1),
    "norm_1": lambda a, b, i: ops.norm(a, ord=1, axis=-1),
    "average": lambda a, b, i: ops.average(a, axis=1),
    "cumsum": lambda a, b, i: ops.cumsum(a, axis=1),
    "moments": lambda a, b, i: list(ops.moments(a, axes=[1])),
    "normalize": lambda a, b, i: ops.normalize(a),
    "reshape": lambda a, b, i: ops.reshape(a, (-1, 24)),
    "ravel": lambda a, b, i: ops.ravel(a),
    "transpose": lambda a, b, i: ops.transpose(a, (0, 2, 1)),
    "transpose_all": lambda a, b, i: ops.transpose(a),
    "swapaxes": lambda a, b, i: ops.swapaxes(a, 1, -1),
    "moveaxis": lambda a, b, i: ops.moveaxis(a, (1, 2), (2, 1)),
    "concatenate": lambda a, b, i: ops.concatenate([a, b, i], axis=1),
    "stack": lambda a, b, i: ops.stack([a, b], axis=1),
    "expand_squeeze": lambda a, b, i: ops.squeeze(
        ops.expand_dims(a, (1, -1)), -1
    ),
    "flip": lambda a, b, i: ops.flip(a, axis=1),
    "repeat": lambda a, b, i: ops.repeat(a, 2, axis=1),
    "tile": lambda a, b, i: ops.tile(a, (1, 2, 1)),
    "pad": lambda a, b, i: ops.pad(a, ((0, 0), (1, 2), (0, 0))),
    "pad_value": lambda a, b, i: ops.pad(
        a, ((0, 0), (0, 0), (1, 0)), constant_values=1.5
    ),
    "roll": lambda a, b, i: ops.roll(a, 1, axis=1),
    "diff": lambda a, b, i: ops.diff(a, axis=1),
    "split": lambda a, b, i: list(ops.split(a, 2, axis=1)),
    "split_at": lambda a, b, i: list(ops.split(a, [1, 4], axis=2)),
    "unstack": lambda a, b, i: ops.unstack(a, axis=1)[2],
    "slice": lambda a, b, i: ops.slice(a, (0, 1, 2), (2, 2, 3)),
    "matmul": lambda a, b, i: ops.matmul(a, ops.transpose(b, (0, 2, 1))),
    "dot": lambda a, b, i: ops.dot(a, np.ones((6, 2), "float32")),
    "einsum": lambda a, b, i: ops.einsum("bij,bkj->bik", a, b),
    "tensordot": lambda a, b, i: ops.tensordot(
        a, np.ones((6, 3), "float32"), axes=[[2], [0]]
    ),
    "outer": lambda a, b, i: ops.outer(a, b),
    "take": lambda a, b, i: ops.take(a, [0, -1], axis=1),
    "take_along_axis": lambda a, b, i: ops.take_along_axis(a, i, axis=1),
    "one_hot": lambda a, b, i: ops.one_hot(i, 4, axis=1),
    "sort": lambda a, b, i: ops.sort(a, axis=1),
    "argsort": lambda a, b, i: ops.argsort(a, axis=1),
    "top_k": lambda a, b, i: list(ops.top_k(a, 2)),
    "clip": lambda a, b, i: ops.clip(a, -0.5, 1.0),
    "cast": lambda a, b, i: ops.cast(a, "int32"),
    "like": lambda a, b, i: ops.full_like(a, 3.0) + ops.ones_like(a),
    "round": lambda a, b, i: ops.round(a, 1) + ops.round(b),
    "trunc": lambda a, b, i: ops.trunc(a),
    "floor_ceil": lambda a, b, i: ops.floor(a) + ops.ceil(b),
    "sign": lambda a, b, i: ops.sign(a),
    "exp": lambda a, b, i: ops.exp(a) + ops.expm1(a) + ops.exp2(a),
    "log": lambda a, b, i: ops.log(b) + ops.log1p(b) + ops.log2(b),
    "log10": lambda a, b, i: ops.log10(b),
    "sqrt": lambda a, b, i: ops.sqrt(b) + ops.rsqrt(b) + ops.reciprocal(b),
    "exp_integers": lambda a, b, i: ops.exp(i),
    "trigonometry": lambda a, b, i: ops.sin(a) + ops.cos(a) + ops.tan(a),
    "hyperbolic": lambda a, b, i: ops.sinh(a) + ops.cosh(a) + ops.tanh(a),
    "inverse": lambda a, b, i: ops.arctan(a) + ops.arcsinh(a)
    + ops.arctan2(a, b),
    "erf": lambda a, b, i: ops.erf(a),
    "logaddexp": lambda a, b, i: ops.logaddexp(a, b),
    "hypot": lambda a, b, i: ops.hypot(a, b),
    "divide_no_nan": lambda a, b, i: ops.divide_no_nan(a, ops.relu(a)),
    "logical": lambda a, b, i: ops.logical_and(a > 0, ops.logical_not(b > 1)),
    "bitwise": lambda a, b, i: ops.bitwise_or(i, ops.left_shift(i, 1)),
    "maximum": lambda a, b, i: ops.maximum(a, 0.0) + ops.minimum(0.0, b),
    "isnan": lambda a, b, i: ops.logical_or(ops.isnan(a), ops.isfinite(b)),
    "nan_to_num": lambda a, b, i: ops.nan_to_num(ops.log(a), nan=7.0),
    "softmax": lambda a, b, i: ops.softmax(a, axis=1) + ops.log_softmax(b),
    "gelu": lambda a, b, i: ops.gelu(a) + ops.gelu(b, approximate=False),
    "leaky_relu": lambda a, b, i: ops.leaky_relu(a, 0.3),
    "elu": lambda a, b, i: ops.elu(a, 0.7) + ops.celu(a, 0.5) + ops.selu(a),
    "hard": lambda a, b, i: ops.hard_sigmoid(a) + ops.hard_silu(a)
    + ops.hard_tanh(a),
    "shrink": lambda a, b, i: ops.hard_shrink(a, 0.4)
    + ops.soft_shrink(a, 0.3) + ops.tanh_shrink(a),
    "soft": lambda a, b, i: ops.softplus(a) + ops.softsign(a) + ops.silu(a)
    + ops.log_sigmoid(a) + ops.squareplus(a),
    "sparse": lambda a, b, i: ops.sparse_plus(a) + ops.sparse_sigmoid(a)
    + ops.sparsemax(a, axis=1),
    "threshold": lambda a, b, i: ops.threshold(a, 0.5, -1.0),
    "relu6_glu": lambda a, b, i: ops.relu6(a * 9) + ops.sigmoid(a),
    "glu": lambda a, b, i: ops.glu(a, axis=1),
    "max_pool": lambda a, b, i: ops.max_pool(ops.expand_dims(a, -1), 2),
    "average_pool": lambda a, b, i: ops.average_pool(
        a, 2, strides=1, padding="same"
    ),
    "conv": lambda a, b, i: ops.conv(
        a, np.arange(36, dtype="float32").reshape(3, 6, 2) / 10, padding="same"
    ),
    "pad_mirrored": lambda a, b, i: ops.pad(
        a, [[0, 0], [1, 2], [3, 0]], mode="reflect"
    )
    + ops.pad(b, [[0, 0], [2, 1], [0, 3]], mode="symmetric"),
    "depth_to_space": lambda a, b, i: ops.depth_to_space(
        ops.reshape(a, (-1, 2, 3, 4)), 2
    ),
    "space_to_depth": lambda a, b, i: ops.space_to_depth(
        ops.reshape(a, (-1, 3, 2, 4)), 2, data_format="channels_first"
    ),
}


def main():
    made = []
    for name, build in CASES.items():
        keras.backend.clear_session()
        inputs = {
            key: Input(ARRAYS[key].shape[1:], name=key, dtype=DTYPES[key])
            for key in ARRAYS
        }
        outputs = build(**inputs)
        single = not isinstance(outputs, list)
        model = Model(list(inputs.values()), [outputs] if single else outputs)
        arrays = [ARRAYS[key].astype(DTYPES[key]) for key in ARRAYS]
        results = model(arrays)
        if not isinstance(results, (list, tuple)):
            results = [results]
        made.append(
            {
                "name": name,
                "model": json.loads(model.to_json()),
                "outputs": [
                    {
                        "dtype": keras.backend.standardize_dtype(y.dtype),
                        "shape": list(y.shape),
                        "values": [
                            float("%.9g" % v)
                            for v in np.ravel(np.asarray(y)).astype("float64")
                        ],
                    }
                    for y in results
                ],
            }
        )
    cases = {
        "inputs": {
            key: {
                "dtype": DTYPES[key],
                "shape": list(ARRAYS[key].shape),
                "values": [
                    float(v)
                    for v in np.ravel(ARRAYS[key].astype(DTYPES[key]))
                ],
            }
            for key in ARRAYS
        },
        "cases": made,
    }
    with open(sys.argv[1], "w") as out:
        json.dump(cases, out, separators=(",", ":"))
        out.write("\n")


main()

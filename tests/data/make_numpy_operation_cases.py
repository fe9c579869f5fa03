#!/usr/bin/env python3
"""Writes tests/data/operations/numpy_cases.json: more of Keras's operations in
functional models, with what Keras computes and the gradients of that.

Run with Keras 3.15 on TensorFlow:  make_numpy_operation_cases.py OUT.json

The gradients are those of sum(result * cos(0, 1, 2, ...)) by a and b.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, ops

random = np.random.RandomState(11)
ARRAYS = {
    "a": random.uniform(-1.5, 1.5, (2, 3, 4)),
    "b": random.uniform(0.25, 2, (2, 3, 4)),
    "i": random.randint(0, 4, (2, 3, 4)),
    "n": random.uniform(-1.5, 1.5, (2, 3, 4)),
}
ARRAYS["n"][0, 1, 2] = ARRAYS["n"][1, 0, 1] = ARRAYS["n"][1, 2, 1] = np.nan
ARRAYS["n"][1, 1, :] = np.nan
DTYPES = {"a": "float32", "b": "float32", "i": "int32", "n": "float32"}


def picture(a):
    return ops.expand_dims(a, -1)


def colours(b):
    return ops.stack([b * 0.4, b * 0.3, 0.5 - b * 0.2], -1)


KERNEL = np.arange(24, dtype="float32").reshape(3, 4, 2) / 10
POINT = np.arange(24, dtype="float32").reshape(1, 8, 3) / 20

CASES = {
    "amax": lambda a, b, i, n: ops.amax(a, axis=1),
    "amin": lambda a, b, i, n: ops.amin(a, axis=(1, 2), keepdims=True),
    "ptp": lambda a, b, i, n: ops.ptp(a, axis=-1),
    "append": lambda a, b, i, n: ops.append(a, b, axis=1),
    "append_flat": lambda a, b, i, n: ops.append(a, i),
    "angle": lambda a, b, i, n: ops.angle(a),
    "real": lambda a, b, i, n: ops.real(a) + ops.conj(a) + ops.conjugate(b),
    "imag": lambda a, b, i, n: ops.imag(a),
    "isreal": lambda a, b, i, n: ops.isreal(a),
    "array": lambda a, b, i, n: ops.array(i, dtype="float32") + ops.copy(a),
    "convert": lambda a, b, i, n: ops.convert_to_tensor(i, dtype="float32"),
    "view": lambda a, b, i, n: ops.view(a, "float32"),
    "size": lambda a, b, i, n: ops.size(a[0]),
    "ndim": lambda a, b, i, n: ops.ndim(a),
    "empty_like": lambda a, b, i, n: ops.zeros_like(ops.empty_like(a)),
    "saturate_cast": lambda a, b, i, n: ops.saturate_cast(a * 200, "int8"),
    "array_split": lambda a, b, i, n: list(ops.array_split(a, 3, axis=2)),
    "hsplit": lambda a, b, i, n: list(ops.hsplit(a, 3)),
    "dsplit": lambda a, b, i, n: list(ops.dsplit(a, [1, 2])),
    "hstack": lambda a, b, i, n: ops.hstack([a, b]),
    "vstack": lambda a, b, i, n: ops.vstack([a, b]),
    "dstack": lambda a, b, i, n: ops.dstack([a, b]),
    "median": lambda a, b, i, n: ops.median(a, axis=1),
    "median_even": lambda a, b, i, n: ops.median(a, axis=-1, keepdims=True),
    "median_all": lambda a, b, i, n: ops.median(a),
    "median_nan": lambda a, b, i, n: ops.median(n, axis=-1),
    "median_integers": lambda a, b, i, n: ops.median(i, axis=(1, 2)),
    "quantile": lambda a, b, i, n: ops.quantile(a, 0.3, axis=-1),
    "quantiles": lambda a, b, i, n: ops.quantile(
        a, np.array([0.1, 0.5, 1.0], "float32"), axis=1
    ),
    "percentile_lower": lambda a, b, i, n: ops.percentile(
        a, 40, axis=-1, method="lower"
    ),
    "percentile_higher": lambda a, b, i, n: ops.percentile(
        a, 40, axis=-1, method="higher"
    ),
    "percentile_midpoint": lambda a, b, i, n: ops.percentile(
        a, 40, axis=-1, method="midpoint"
    ),
    "percentile_nearest": lambda a, b, i, n: ops.percentile(
        a, 40, axis=(1, 2), method="nearest", keepdims=True
    ),
    # Keras leaves the method of this one out.
    "quantile_lower": lambda a, b, i, n: ops.quantile(
        a, 0.4, axis=-1, method="lower"
    ),
    "percentile": lambda a, b, i, n: ops.percentile(a, 30, axis=-1),
    "nanmedian": lambda a, b, i, n: ops.nanmedian(n, axis=-1),
    "nanquantile": lambda a, b, i, n: ops.nanquantile(n, 0.3, axis=-1),
    "nanpercentile": lambda a, b, i, n: ops.nanpercentile(n, 70, axis=(1, 2)),
    "nansum": lambda a, b, i, n: ops.nansum(n + a, axis=1),
    "nansum_integers": lambda a, b, i, n: ops.nansum(i, axis=1),
    "nanmean": lambda a, b, i, n: ops.nanmean(n + a, axis=1),
    "nanmax": lambda a, b, i, n: ops.nanmax(n, axis=-1),
    "nanmin": lambda a, b, i, n: ops.nanmin(n, axis=-1, keepdims=True),
    "nanprod": lambda a, b, i, n: ops.nanprod(n, axis=1),
    "nanstd": lambda a, b, i, n: ops.nanstd(n, axis=1),
    "nanvar": lambda a, b, i, n: ops.nanvar(n, axis=(1, 2)),
    "nanargmax": lambda a, b, i, n: ops.nanargmax(n, axis=-1),
    "nanargmin": lambda a, b, i, n: ops.nanargmin(n, axis=1),
    "nancumsum": lambda a, b, i, n: ops.nancumsum(n, axis=1),
    "nancumprod": lambda a, b, i, n: ops.nancumprod(n, axis=-1),
    "cumprod": lambda a, b, i, n: ops.cumprod(a, axis=1),
    "cumprod_flat": lambda a, b, i, n: ops.cumprod(b),
    "tril": lambda a, b, i, n: ops.tril(a) + ops.tril(b, k=-1),
    "triu": lambda a, b, i, n: ops.triu(a) + ops.triu(b, k=1),
    "diagonal": lambda a, b, i, n: ops.diagonal(a, axis1=1, axis2=2),
    "diagonal_offset": lambda a, b, i, n: ops.diagonal(
        a, offset=-1, axis1=1, axis2=2
    ),
    "trace": lambda a, b, i, n: ops.trace(a, axis1=1, axis2=2),
    "diagflat": lambda a, b, i, n: ops.diagflat(a[0, 0], k=1),
    "diag": lambda a, b, i, n: ops.diag(a[0, 0], k=-2) + 0 * ops.diag(
        ops.ones_like(ops.diag(a[0], k=1)), k=3
    ),
    "rot90": lambda a, b, i, n: ops.rot90(a, axes=(1, 2)),
    "rot90_back": lambda a, b, i, n: ops.rot90(a, k=-1, axes=(1, 2)),
    # Of what is not square, Keras's TensorFlow mixes up the rows.
    "rot90_twice": lambda a, b, i, n: ops.rot90(
        a[:, :, 1:], k=2, axes=(2, 1)
    ),
    "fliplr": lambda a, b, i, n: ops.fliplr(a) + ops.flipud(a),
    "kron": lambda a, b, i, n: ops.kron(a[0], b[1, :2]),
    "cross": lambda a, b, i, n: ops.cross(a, b, axis=1),
    "cross_2": lambda a, b, i, n: ops.cross(a[..., :2], b[..., :2]),
    "vander": lambda a, b, i, n: ops.vander(a[0, 0]),
    "vander_increasing": lambda a, b, i, n: ops.vander(
        a[0, 0], N=3, increasing=True
    ),
    "inner": lambda a, b, i, n: ops.inner(a, KERNEL[:, :, 0]),
    "inner_integers": lambda a, b, i, n: ops.inner(i[0], i[1]),
    "vdot": lambda a, b, i, n: ops.vdot(a, b),
    "cdist": lambda a, b, i, n: ops.cdist(a, b),
    "linspace": lambda a, b, i, n: ops.linspace(a, b, 5, axis=1),
    "linspace_open": lambda a, b, i, n: ops.linspace(
        a, b, 3, endpoint=False, axis=-1
    ),
    "logspace": lambda a, b, i, n: ops.logspace(a, b, 3, base=2),
    "geomspace": lambda a, b, i, n: ops.geomspace(b, b + 1, 4),
    "trapezoid": lambda a, b, i, n: ops.trapezoid(a, dx=0.5),
    "trapezoid_x": lambda a, b, i, n: ops.trapezoid(
        a, x=[0.0, 1.0, 1.5, 4.0]
    ),
    "meshgrid": lambda a, b, i, n: list(ops.meshgrid(a[0, 0], b[0, :, 0])),
    "isclose": lambda a, b, i, n: ops.isclose(a, a + 1e-5 * b, 1e-5, 1e-6),
    "isclose_nan": lambda a, b, i, n: ops.isclose(n, n, equal_nan=True),
    "allclose": lambda a, b, i, n: ops.allclose(a, a + b * 1e-9),
    "isin": lambda a, b, i, n: ops.isin(i, [0, 3]),
    "isin_not": lambda a, b, i, n: ops.isin(i, [0, 3], invert=True),
    "isinf": lambda a, b, i, n: ops.logical_or(
        ops.isneginf(ops.log(ops.relu(a))), ops.isposinf(1 / ops.relu(a))
    ),
    "signbit": lambda a, b, i, n: ops.signbit(a),
    "heaviside": lambda a, b, i, n: ops.heaviside(i - 2, b),
    "fmod": lambda a, b, i, n: ops.fmod(a * 3, b),
    "fmax": lambda a, b, i, n: ops.fmax(n, a) + ops.fmin(a, b),
    "fabs": lambda a, b, i, n: ops.fabs(i - 2) + ops.fabs(a),
    "cbrt": lambda a, b, i, n: ops.cbrt(a),
    "degrees": lambda a, b, i, n: ops.deg2rad(a) + ops.rad2deg(b),
    "sinc": lambda a, b, i, n: ops.sinc(a) + ops.sinc(i),
    "erfc": lambda a, b, i, n: ops.erfc(a),
    "erfinv": lambda a, b, i, n: ops.erfinv(a / 1.51),
    "erfinv_tail": lambda a, b, i, n: ops.erfinv(
        1 - (i + 1) * 2.0**-12
    ),
    "i0": lambda a, b, i, n: ops.i0(a * 3) + ops.i0(b),
    "i0_far": lambda a, b, i, n: ops.log(ops.i0(b * 20)),
    "ldexp": lambda a, b, i, n: ops.ldexp(a, i),
    "logaddexp2": lambda a, b, i, n: ops.logaddexp2(a, b),
    "digitize": lambda a, b, i, n: ops.digitize(
        a, np.array([-0.5, 0.1, 0.9])
    ),
    "searchsorted": lambda a, b, i, n: ops.searchsorted(
        np.array([-0.5, 0.1, 0.9], "float32"), a[0, 0], side="right"
    ),
    "layer_normalization": lambda a, b, i, n: ops.layer_normalization(
        a, np.arange(4, dtype="float32"), np.ones(4, "float32")
    ),
    "layer_normalization_axes": lambda a, b, i, n: ops.layer_normalization(
        a, axis=[1, 2], epsilon=1e-3
    ),
    "layer_normalization_gamma": lambda a, b, i, n: ops.layer_normalization(
        a, gamma=np.arange(3, dtype="float32"), axis=1
    ),
    "rms_normalization": lambda a, b, i, n: ops.rms_normalization(a),
    "rms_normalization_scale": lambda a, b, i, n: ops.rms_normalization(
        a, scale=np.arange(4, dtype="float32"), epsilon=1e-2
    ),
    "batch_normalization": lambda a, b, i, n: ops.batch_normalization(
        a,
        np.arange(4, dtype="float32"),
        np.ones(4, "float32"),
        axis=-1,
        offset=np.full(4, 0.5, "float32"),
        scale=np.full(4, 2, "float32"),
    ),
    "binary_crossentropy": lambda a, b, i, n: ops.binary_crossentropy(
        ops.sigmoid(a), b / 2.1
    ),
    "binary_logits": lambda a, b, i, n: ops.binary_crossentropy(
        ops.sigmoid(a), b, from_logits=True
    ),
    "categorical_crossentropy": lambda a, b, i, n: ops.categorical_crossentropy(
        ops.softmax(a), b
    ),
    "categorical_logits": lambda a, b, i, n: ops.categorical_crossentropy(
        ops.softmax(a, axis=1), b, from_logits=True, axis=1
    ),
    "sparse_crossentropy": lambda a, b, i, n: ops.sparse_categorical_crossentropy(
        i[..., 0], ops.softmax(b)
    ),
    "sparse_logits": lambda a, b, i, n: ops.sparse_categorical_crossentropy(
        i[..., :1], b, from_logits=True
    ),
    "multi_hot": lambda a, b, i, n: ops.multi_hot(i, 5),
    "psnr": lambda a, b, i, n: ops.psnr(a, b, 2.0),
    "in_top_k": lambda a, b, i, n: ops.in_top_k(i[:, 0, 0], a[:, 0], 2),
    "attention": lambda a, b, i, n: ops.dot_product_attention(
        ops.reshape(a, (-1, 3, 2, 2)),
        ops.reshape(b, (-1, 3, 2, 2)),
        ops.reshape(a, (-1, 3, 2, 2)),
    ),
    "attention_causal": lambda a, b, i, n: ops.dot_product_attention(
        ops.reshape(a, (-1, 3, 2, 2)),
        ops.reshape(b, (-1, 3, 2, 2)),
        ops.reshape(a, (-1, 3, 2, 2)),
        scale=0.5,
        is_causal=True,
    ),
    "depthwise_conv": lambda a, b, i, n: ops.depthwise_conv(
        a, KERNEL, padding="same"
    ),
    "separable_conv": lambda a, b, i, n: ops.separable_conv(
        a, KERNEL, POINT, padding="same"
    ),
    "unfold": lambda a, b, i, n: ops.unfold(
        ops.reshape(a, (-1, 1, 3, 4)), (2, 3), padding=1, stride=(1, 2)
    ),
    "fold": lambda a, b, i, n: ops.fold(
        ops.reshape(a, (-1, 4, 3)), (2, 4), 2
    ),
    "fold_overlapping": lambda a, b, i, n: ops.fold(
        ops.reshape(a, (-1, 2, 6)), (2, 8), (1, 2), padding=(0, 1), stride=(1, 3)
    ),
    "extract_sequences": lambda a, b, i, n: ops.extract_sequences(a, 2, 1),
    "scatter": lambda a, b, i, n: ops.scatter(
        np.array([[0, 1], [2, 0], [0, 1]]), a[0], (3, 2, 4)
    ),
    "scatter_update": lambda a, b, i, n: ops.scatter_update(
        a[0], np.array([[0, 1], [2, 0]]), b[0, 0, :2]
    ),
    "scatter_update_add": lambda a, b, i, n: ops.scatter_update(
        a[0], np.array([[1], [1]]), b[0, :2], reduction="add"
    ),
    "slice_update": lambda a, b, i, n: ops.slice_update(
        a[0], [1, 2], b[0, :2, :2]
    ),
    "segment_sum": lambda a, b, i, n: ops.segment_sum(
        a[0], np.array([1, 0, 1]), num_segments=3
    ),
    "segment_max": lambda a, b, i, n: ops.segment_max(
        a[0], np.array([1, 0, 1]), num_segments=2
    ),
    "segment_min": lambda a, b, i, n: ops.segment_min(
        a[0], np.array([1, 0, 1]), num_segments=2
    ),
    "select": lambda a, b, i, n: ops.select([a > 1, a < 0], [a, b], 0.5),
    "resize": lambda a, b, i, n: ops.image.resize(picture(a), (5, 3)),
    "resize_nearest": lambda a, b, i, n: ops.image.resize(
        picture(a), (2, 6), interpolation="nearest"
    ),
    "resize_antialias": lambda a, b, i, n: ops.image.resize(
        picture(a), (2, 2), interpolation="bicubic", antialias=True
    ),
    "pad_images": lambda a, b, i, n: ops.image.pad_images(
        picture(a), 1, 2, target_height=6, target_width=7
    ),
    "crop_images": lambda a, b, i, n: ops.image.crop_images(
        picture(a), 1, 1, target_height=2, target_width=2
    ),
    "crop_images_bottom": lambda a, b, i, n: ops.image.crop_images(
        picture(a), bottom_cropping=1, right_cropping=1, top_cropping=0,
        left_cropping=2,
    ),
    "rgb_to_grayscale": lambda a, b, i, n: ops.image.rgb_to_grayscale(
        colours(b)
    ),
    "rgb_to_hsv": lambda a, b, i, n: ops.image.rgb_to_hsv(colours(b)),
    "hsv_to_rgb": lambda a, b, i, n: ops.image.hsv_to_rgb(colours(b)),
    "extract_patches": lambda a, b, i, n: ops.image.extract_patches(
        picture(a), 2, strides=1, padding="same"
    ),
    "gaussian_blur": lambda a, b, i, n: ops.image.gaussian_blur(
        picture(a), (3, 3), (0.8, 1.2)
    ),
    "affine_transform": lambda a, b, i, n: ops.image.affine_transform(
        picture(a),
        np.array([1, 0.2, 0, 0.1, 1, 0.5, 0, 0], "float32"),
    ),
    "perspective_transform": lambda a, b, i, n: ops.image.perspective_transform(
        picture(a)[0],
        np.array([[0, 0], [0, 3], [2, 0], [2, 3]], "float32"),
        np.array([[0, 1], [0, 3], [2, 0], [2, 2]], "float32"),
    ),
    "map_coordinates": lambda a, b, i, n: ops.image.map_coordinates(
        a[0], np.array([[0.5, 1.2], [1.5, 2.1]], "float32"), 1
    ),
}


def numbers(values):
    return [float("%.9g" % v) for v in np.ravel(values).astype("float64")]


def array(y):
    return {
        "dtype": keras.backend.standardize_dtype(y.dtype),
        "shape": list(y.shape),
        "values": numbers(np.asarray(y)),
    }


def total(results):
    parts = []
    for y in results:
        if not keras.backend.is_float_dtype(y.dtype):
            continue
        weights = np.cos(np.arange(tf.size(y))).reshape(y.shape)
        parts.append(tf.reduce_sum(y * tf.cast(weights, y.dtype)))
    return tf.add_n(parts) if parts else None


# Those whose gradients TensorFlow approximates.
ROUGH = {"affine_transform", "perspective_transform"}


def gradients(tape, loss, arrays):
    try:
        found = tape.gradient(loss, arrays)
    except LookupError:  # TensorFlow has none
        return [None for _ in arrays]
    return [
        None if g is None else numbers(tf.convert_to_tensor(g)) for g in found
    ]


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
        arrays = [tf.constant(ARRAYS[k].astype(DTYPES[k])) for k in ARRAYS]
        with tf.GradientTape() as tape:
            tape.watch(arrays[:2])
            results = model(arrays)
            if not isinstance(results, (list, tuple)):
                results = [results]
            results = [ops.convert_to_tensor(y) for y in results]
            loss = total(results)
        case = {
            "name": name,
            "model": json.loads(model.to_json()),
            "outputs": [array(y) for y in results],
        }
        if loss is not None and name not in ROUGH:
            case["gradients"] = gradients(tape, loss, arrays[:2])
        made.append(case)
    cases = {
        "inputs": {
            key: array(ARRAYS[key].astype(DTYPES[key])) for key in ARRAYS
        },
        "cases": made,
    }
    with open(sys.argv[1], "w") as out:
        json.dump(cases, out, separators=(",", ":"))
        out.write("\n")


main()

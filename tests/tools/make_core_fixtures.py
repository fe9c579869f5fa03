#!/usr/bin/env python3
"""Writes tests/data/core: what NumPy and Python's json print.

Run from the root of the sources with NumPy 2.3 or newer installed:
    python3 tests/tools/make_core_fixtures.py
"""

import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parents[1] / "data" / "core"


def case(array):
    values = array.ravel()
    if array.dtype == bool or array.dtype.kind in "iuU":
        values = values.tolist()
    else:
        values = [float(v) for v in values]
    dtype = "string" if array.dtype.kind == "U" else str(array.dtype)
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "values": values,
        "text": str(array),
    }


def print_cases():
    f32, f64, f16 = np.float32, np.float64, np.float16
    inf, nan = np.inf, np.nan
    arrays = [
        np.zeros((0,), f32),
        np.zeros((2, 0), f32),
        np.array([1, 2.5, -3], f32),
        np.array([0.1, 0.2, 1 / 3], f32),
        np.array([0.1, 0.2, 1 / 3]),
        np.array([1e-5, 2.5], f32),
        np.array([1e8, 1.0]),
        np.array([99999999.0, 1e6]),
        np.array([1e-300, 1e300, 0.0]),
        np.array([0.0001, 0.05], f32),
        np.array([0.0001, 0.05]),
        np.array([0.001, 1.0]),
        np.array([0.001, 1.001]),
        np.array([nan, 1.5, -inf, inf], f32),
        np.array([nan, nan]),
        np.array([inf, nan]),
        np.array([-inf]),
        np.array([nan, 1e-9, -inf]),
        np.array([-0.0, 0.0]),
        np.array([2**0.5, 12345.678912345]),
        np.array([0.123456789, 0.000123456789]),
        np.array([0.5, 1.5, 2.5, 1 / 256, 1 / 512]),
        np.array([1 / 2**20, 1 / 2**10]),
        np.array([65504, 1e-4, 6e-8], f16),
        np.array([0.1, 0.25, 3.14159], f16),
        np.array([1000, 1], f16),
        np.array([60000, 0.1], f16),
        np.array([[1, 2], [3, 4]], np.int64),
        np.array([-1, 100], np.int8),
        np.array([2**64 - 1, 0], np.uint64),
        np.array([-(2**63), 2**63 - 1], np.int64),
        np.array([True, False]),
        np.array([[True], [True]]),
        np.arange(24, dtype=np.int32).reshape(2, 3, 4),
        np.arange(24, dtype=f32).reshape(2, 3, 4) / 7,
        np.arange(16, dtype=f32).reshape(2, 2, 2, 2),
        np.arange(1000, dtype=np.int32),
        np.arange(1001, dtype=np.int32),
        np.arange(1001, dtype=f32) / 3,
        np.arange(1200, dtype=f64).reshape(3, 20, 20) * 1.1,
        np.arange(1100, dtype=np.int16).reshape(550, 2),
        np.arange(1100, dtype=np.int16).reshape(2, 550),
        np.arange(2000, dtype=np.uint8).reshape(10, 10, 20),
        np.array(["a", "bc", ""]),
        np.array(["it's", 'say "x"', "both ' and \"", "tab\tnew\nline\\"]),
        np.array([["é", "日本"], ["x", "yy"]]),
        np.array("plain 'text'"),
        np.array(1.5, f32),
        np.array(0.1, f16),
        np.array(65504, f16),
        np.array(1e-5, f32),
        np.array(1e16),
        np.array(1.25e22),
        np.array(123456789.0),
        np.array(1e15),
        np.array(0.0001, f32),
        np.array(-0.0),
        np.array(nan),
        np.array(-inf, f32),
        np.array(7, np.int8),
        np.array([1e6, 3], f32),
        np.array([999999, 2000], f32),
        np.array([1234567, 2345678], f32),
        np.array(999999, f32),
        np.array(1e6, f32),
        np.array(999, f16),
        np.array(1000, f16),
        np.array(0.0001, f16),
        np.array(True),
    ]
    rng = np.random.default_rng(7)
    for i in range(160):
        dtype = [f32, f64, f16][i % 3]
        shape = tuple(rng.integers(1, 6, rng.integers(1, 4)))
        spread = rng.choice([0.1, 1, 2, 4])
        values = rng.standard_normal(shape) * 10 ** (
            rng.standard_normal(shape) * spread
        )
        if i % 4 == 0:
            values = np.round(values, rng.integers(0, 4))
        if i % 7 == 0:
            values[rng.random(shape) < 0.2] = rng.choice([nan, inf, -inf])
        with np.errstate(over="ignore"):
            arrays.append(values.astype(dtype))
    arrays.append(rng.standard_normal(40).astype(f32))
    arrays.append(rng.integers(-99999, 99999, 50))
    return [case(array) for array in arrays]


def json_cases():
    values = [
        None, True, 0, -1, 2**63 - 1, -(2**63), 1.0, 0.1, 1e-5, 1e-4, 1e16,
        1e15, 123456789012345680.0, 5e-324, 1.7976931348623157e308, -0.0,
        float("nan"), float("inf"), float("-inf"), "", "plain", "é日本😀",
        "quote\" back\\ tab\t nl\n cr\r bs\b ff\f nul\x00 del\x7f", [], {},
        [1, [2.5, "x"], {}], {"b": 1, "a": {"c": [None, False]}, "": []},
        {"NaN": "Infinity, NaN", "x": [float("nan"), 1.0, -float("inf"), 2]},
    ]
    return [
        {
            "line": json.dumps(value),
            "indented": json.dumps(value, indent=2),
            "utf8": json.dumps(value, ensure_ascii=False),
        }
        for value in values
    ]


def write(name, cases):
    text = ",\n".join(json.dumps(case) for case in cases)
    (OUT / name).write_text("[\n" + text + "\n]\n")


OUT.mkdir(parents=True, exist_ok=True)
write("numpy_print.json", print_cases())
write("python_json.json", json_cases())

#!/usr/bin/env python3
"""Writes tests/data/spectrograms/mel_cases.json: MelSpectrogram layers of Keras
with what they make of one sound.

Run with Keras 3.15 on TensorFlow:  make_spectrogram_cases.py OUT.json
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

SMALL = dict(fft_length=256, sequence_stride=128, num_mel_bins=16)
CASES = {
    "small": {},
    "power": dict(power_to_db=False),
    "magnitude": dict(power_to_db=False, mag_exp=1.0),
    "exponent": dict(mag_exp=1.5, top_db=40.0),
    "range": dict(min_freq=300.0, max_freq=3000.0),
    "range_power": dict(min_freq=0.0, max_freq=7600.0, power_to_db=False),
    "sequence": dict(sequence_length=200),
    "sequence_power": dict(sequence_length=100, power_to_db=False),
    "hamming": dict(window="hamming"),
    "hamming_power": dict(window="hamming", power_to_db=False),
    "rate": dict(sampling_rate=8000, max_freq=3800.0, power_to_db=False),
    "decibels": dict(top_db=20.0, min_power=1e-3, ref_power=7.0),
    "bands": dict(num_mel_bins=40, fft_length=512, power_to_db=False),
    # In decibels, what TensorFlow's logarithm rounds shows in bands this narrow.
    "many_bands": dict(
        num_mel_bins=96, fft_length=512, sequence_stride=400, power_to_db=False
    ),
}


def numbers(values):
    return [float("%.9g" % v) for v in np.ravel(values).astype("float64")]


def main():
    t = np.arange(1000) / 16000
    sound = np.sin(2 * np.pi * 440 * t) + 0.5 * np.sin(2 * np.pi * 3100 * t)
    noise = np.random.RandomState(3).normal(0, 0.1, (2, 1000))
    x = (sound * [[1], [8]] + noise).astype("float32")
    cases = []
    for name, arguments in CASES.items():
        layer = keras.layers.MelSpectrogram(name=name, **{**SMALL, **arguments})
        y = np.asarray(layer(x))
        cases.append(
            {
                "layer": json.loads(
                    json.dumps(keras.saving.serialize_keras_object(layer))
                ),
                "shape": list(y.shape),
                "values": numbers(y),
            }
        )
    with open(sys.argv[1], "w") as out:
        json.dump(
            {"sound": {"shape": [2, 1000], "values": numbers(x)}, "cases": cases},
            out,
            separators=(",", ":"),
        )
        out.write("\n")


main()

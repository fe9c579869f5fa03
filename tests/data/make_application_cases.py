"""Writes what keras.applications look like, so that ours can be compared.

    python3 tests/data/make_application_cases.py

For every architecture and for some sets of arguments: the number of parameters
and layers, and the SHA-256 of its weights' paths and shapes.
Needs Keras 3.15 and a few gigabytes of memory. Writes
tests/data/applications/cases.json.
"""
import hashlib
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402

NAMES = """
VGG16 VGG19
ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2
InceptionV3 InceptionResNetV2 Xception
MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large
DenseNet121 DenseNet169 DenseNet201
NASNetMobile NASNetLarge
EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3
EfficientNetB4 EfficientNetB5 EfficientNetB6 EfficientNetB7
EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 EfficientNetV2B3
EfficientNetV2S EfficientNetV2M EfficientNetV2L
ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge
""".split()

# One of each family with other arguments.
NO_TOP = {"include_top": False}
VARIANTS = [
    ("VGG16", {**NO_TOP, "pooling": "max", "input_shape": [32, 48, 3]}),
    ("VGG19", {**NO_TOP, "input_shape": [64, 64, 1], "name": "mine"}),
    ("ResNet50", {**NO_TOP, "pooling": "avg"}),
    ("ResNet50", {"classes": 7, "input_shape": [64, 96, 3]}),
    ("ResNet50V2", {**NO_TOP, "input_shape": [33, 47, 3]}),
    ("InceptionV3", {**NO_TOP, "pooling": "avg", "input_shape": [75, 80, 3]}),
    ("InceptionResNetV2", {**NO_TOP, "pooling": "max"}),
    ("Xception", {**NO_TOP, "input_shape": [71, 71, 3]}),
    ("Xception", {"classes": 2, "classifier_activation": None}),
    ("MobileNet", {"alpha": 0.25}),
    ("MobileNet", {"alpha": 0.5, "depth_multiplier": 2, "dropout": 0.1,
                   "input_shape": [160, 160, 3], "classes": 10}),
    ("MobileNet", {**NO_TOP, "pooling": "avg"}),
    ("MobileNet", {**NO_TOP, "input_shape": [100, 120, 3], "alpha": 0.75}),
    ("MobileNetV2", {"alpha": 1.4, "input_shape": [96, 96, 3]}),
    ("MobileNetV2", {"alpha": 0.35, **NO_TOP, "input_shape": [97, 111, 3]}),
    ("MobileNetV2", {**NO_TOP, "pooling": "max"}),
    ("MobileNetV3Small", {"minimalistic": True}),
    ("MobileNetV3Small", {"alpha": 0.75, "dropout_rate": 0.0,
                          "include_preprocessing": False,
                          "input_shape": [65, 67, 3]}),
    ("MobileNetV3Large", {"alpha": 1.5, "classes": 5}),
    ("MobileNetV3Large", {**NO_TOP, "pooling": "avg",
                          "input_shape": [224, 224, 3]}),
    ("DenseNet121", {**NO_TOP, "pooling": "max"}),
    ("NASNetMobile", NO_TOP),
    ("NASNetMobile", {**NO_TOP, "input_shape": [65, 129, 3]}),
    ("EfficientNetB0", {**NO_TOP, "pooling": "avg"}),
    ("EfficientNetB0", {"input_shape": [33, 64, 3], "classes": 4}),
    ("EfficientNetV2B0", {"include_preprocessing": False}),
    ("EfficientNetV2B1", {**NO_TOP, "input_shape": [64, 64, 1]}),
    ("EfficientNetV2S", {**NO_TOP, "pooling": "max"}),
    ("ConvNeXtTiny", {"include_preprocessing": False, "classes": 3}),
    ("ConvNeXtTiny", {**NO_TOP, "pooling": "avg",
                      "input_shape": [64, 32, 3], "name": "mine"}),
]


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def describe(name, arguments):
    keras.backend.clear_session()
    given = {key: tuple(value) if isinstance(value, list) else value
             for key, value in arguments.items()}
    model = getattr(keras.applications, name)(weights=None, **given)
    weights = "".join(
        f"{v.path} {json.dumps(list(v.shape))} {str(v.trainable).lower()}\n"
        for v in model.weights)
    return {
        "name": name,
        "arguments": arguments,
        "parameters": model.count_params(),
        "layers": len(model.layers),
        "weights": sha256(weights),
    }


def main():
    here = pathlib.Path(__file__).parent / "applications"
    here.mkdir(exist_ok=True)
    # Only the sizes of weights matter, not their values.
    zeros = keras.src.backend.numpy.zeros
    for random in ("uniform", "truncated_normal"):
        setattr(keras.src.backend.random, random,
                lambda shape, *a, dtype=None, **k: zeros(shape, "float32"))
    cases = []
    for name, arguments in [(name, {}) for name in NAMES] + VARIANTS:
        cases.append(describe(name, arguments))
        print(cases[-1]["name"], cases[-1]["parameters"], file=sys.stderr)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (here / "cases.json").write_text(f"[\n{lines}\n]\n")


main()

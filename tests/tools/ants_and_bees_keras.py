"""What Keras makes of examples/ants_and_bees.json: the same weights, the same
recipe, several seeds. The numbers are in examples/README.md.

usage: ants_and_bees_keras.py DATA [SEEDS]
DATA holds datasets/hymenoptera_data and weights/mobilenet_v1_0.25_*.h5. Needs
keras and tensorflow.
"""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
from keras import layers

data = sys.argv[1]
seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
weights = f"{data}/weights/mobilenet_v1_0.25_224_imagenet_full.h5"

def pictures(part):
    files = keras.utils.image_dataset_from_directory(
        f"{data}/datasets/hymenoptera_data/{part}",
        image_size=(224, 224),
        batch_size=None,
        shuffle=False,
        crop_to_aspect_ratio=True,
        verbose=False,
    )
    return files.cache()


def compile_with(model, optimizer):
    model.compile(
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )


train = pictures("train")
count = sum(1 for _ in train)
train = train.shuffle(count).batch(8)
val = pictures("val").batch(32)
steps = -(-count // 8)
# Keras reads a file of the whole model only into the whole model.
whole = keras.applications.MobileNet(alpha=0.25, weights=weights)
features = whole.get_layer("conv_pw_13_relu").output

results = []
for seed in range(seeds):
    keras.utils.set_random_seed(seed)
    base = keras.models.clone_model(keras.Model(whole.input, features))
    base.set_weights(keras.Model(whole.input, features).get_weights())
    base.trainable = False
    model = keras.Sequential(
        [
            layers.Input((224, 224, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomZoom(0.2, interpolation="nearest"),
            layers.Rescaling(1 / 127.5, -1),
            base,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(
                2, activation="softmax", kernel_initializer="zeros"
            ),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 6 * steps)
    compile_with(model, keras.optimizers.Adam(schedule))
    model.fit(train, epochs=6, verbose=0)
    head = model.evaluate(val, verbose=0)[1]
    base.trainable = True
    trains = False
    for layer in base.layers:
        trains = trains or layer.name == "conv_dw_12"
        layer.trainable = trains and not isinstance(
            layer, layers.BatchNormalization
        )
    compile_with(
        model, keras.optimizers.Adam(3e-4, use_ema=True, ema_momentum=0.99)
    )
    model.fit(train, epochs=12, verbose=0)
    tuned = model.evaluate(val, verbose=0)[1]
    results.append((head, tuned))
    print(f"seed {seed}: head {head:.4f}, last blocks {tuned:.4f}", flush=True)
for name, values in zip(("head", "last blocks"), np.transpose(results)):
    print(
        f"{name}: {values.min():.4f} to {values.max():.4f}, "
        f"on average {values.mean():.4f}"
    )

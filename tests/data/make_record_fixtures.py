"""TFRecord files as TensorFlow writes them, in tests/data/records.

    python tests/data/make_record_fixtures.py
"""

import pathlib

import numpy as np
import tensorflow as tf

OUT = pathlib.Path(__file__).parent / "records"


def example(i):
    picture = np.full((4, 6, 3), 10 * i, np.uint8)
    feature = {
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[i % 3])),
        "numbers": tf.train.Feature(
            float_list=tf.train.FloatList(value=[i + 0.5, -i, 1e-30])
        ),
        "far": tf.train.Feature(
            int64_list=tf.train.Int64List(value=[-1, -(2**63), 2**63 - 1])
        ),
        "name": tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[f"no. {i}".encode(), b"\0\xff"])
        ),
        "picture": tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[tf.io.encode_png(picture).numpy()])
        ),
        "empty": tf.train.Feature(float_list=tf.train.FloatList(value=[])),
        "none": tf.train.Feature(),
    }
    if i == 4:
        del feature["numbers"]
    return tf.train.Example(features=tf.train.Features(feature=feature))


def main():
    OUT.mkdir(exist_ok=True)
    for name, compression in (("examples", ""), ("examples_gzip", "GZIP")):
        with tf.io.TFRecordWriter(str(OUT / f"{name}.tfrecord"), compression) as out:
            for i in range(5):
                out.write(example(i).SerializeToString(deterministic=True))
#What a writer of our own has to give, byte for byte.
    with tf.io.TFRecordWriter(str(OUT / "texts.tfrecord")) as out:
        for text in (b"", b"one", b"two" * 100):
            out.write(text)
    small = tf.train.Example(
        features=tf.train.Features(
            feature={
                "a": tf.train.Feature(
                    int64_list=tf.train.Int64List(value=[0, 1, 300, -5])
                ),
                "b": tf.train.Feature(
                    float_list=tf.train.FloatList(value=[0.25, -1.0])
                ),
                "c": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[b"x", b""])
                ),
            }
        )
    )
    (OUT / "small.example").write_bytes(small.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()

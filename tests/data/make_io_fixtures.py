"""Writes the files of tests/data/io: HDF5 by h5py, arrays by NumPy, an archive.

    pip install numpy h5py ml_dtypes && python3 make_io_fixtures.py

tests/io reads them and knows their content by the formulas used here.
"""
import pathlib
import zipfile

import h5py
import ml_dtypes
import numpy as np

OUT = pathlib.Path(__file__).parent / "io"
NUMBERS = "i1 u1 <i2 >i2 <u2 <i4 >i4 <u4 <i8 >i8 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8".split()


def name_of(dtype):
    return dtype.replace("<", "le_").replace(">", "be_")


def hdf5(path, libver):
    with h5py.File(path, "w", libver=libver) as f:
        counting = np.arange(6).reshape(2, 3)
        for dtype in NUMBERS:
            f["numbers/" + name_of(dtype)] = counting.astype(dtype)
            f.attrs["a_" + name_of(dtype)] = counting.astype(dtype)
        f["bool"] = np.array([True, False, True])
        f["bfloat16"] = np.arange(4).astype(ml_dtypes.bfloat16)
        f["bfloat16"].attrs["dtype"] = "bfloat16"
        f["scalar"] = np.float32(2.5)
        f["zero"] = np.zeros((0, 4), "f4")
        f["null"] = h5py.Empty("f4")
        grid = np.arange(35, dtype="f4").reshape(7, 5)
        chunks = dict(data=grid, chunks=(3, 2))
        f.create_dataset("chunked/plain", **chunks)
        f.create_dataset("chunked/gzip", **chunks, compression="gzip")
        f.create_dataset(
            "chunked/all", **chunks, compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("chunked/one", data=grid, chunks=(7, 5), compression="gzip")
        f.create_dataset("fill/contiguous", shape=(2, 2), dtype="f4", fillvalue=3.5)
        half = f.create_dataset(
            "fill/chunked", shape=(4, 2), dtype="f4", fillvalue=3.5, chunks=(2, 2))
        half[:2] = 1
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        made = h5py.h5d.create(
            f.id, b"compact", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((3,)), compact)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([7, 8, 9], "i4"))
        f["text/variable"] = np.array(["a", "", "\u00fcn\u00ef"], dtype=object)
        f["text/fixed"] = np.array([b"a", b"", b"hello"])
        f["text/scalar"] = "hello"
        f.attrs["text"] = "hello"
        f.attrs["texts"] = ["a", "bcd", ""]
        f.attrs["fixed"] = np.array([b"xx", b"y"])
        f.attrs["none"] = h5py.Empty("f4")
        many = f.create_group("many")
        for i in range(100):
            many[f"link_{i}"] = f["scalar"]
        for i in range(40):
            many.attrs[f"attr_{i}"] = i
        if libver == "earliest":
            f.attrs["long"] = "0123456789" * 7000  # over 64 kB
        else:
            f.attrs["huge"] = np.arange(9000, dtype="i8")
        made = f.create_group("ordered", track_order=True)
        for name in "cab":
            made[name] = f["scalar"]


def refused(folder):
    with h5py.File(folder / "refused.h5", "w") as f:
        f["x"] = 1.0
        f["soft"] = h5py.SoftLink("/x")
        f["external"] = h5py.ExternalLink("other.h5", "/x")
        f["complex"] = np.zeros(2, "c8")
        ragged = f.create_dataset("ragged", (1,), dtype=h5py.vlen_dtype("i4"))
        ragged[0] = np.arange(3)
        f.create_dataset(
            "outside", shape=(2,), dtype="f4", external=[("other.bin", 0, 8)])
        f.create_dataset("lzf", data=np.zeros(8), chunks=(4,), compression="lzf")
        f.create_dataset("bomb", shape=(1 << 40,), dtype="f4")
        f.create_dataset("chunk_bomb", shape=(1 << 40,), dtype="f4", chunks=(1 << 20,))
        f.create_dataset("sparse", shape=(1 << 20,), dtype="f4", chunks=(1 << 10,))
        f.create_dataset("hollow", shape=(1 << 20,), dtype="f4")
        layout = h5py.VirtualLayout(shape=(2,), dtype="f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", shape=(2,))
        f.create_virtual_dataset("virtual", layout)
        loop = f.create_group("loop")
        loop["again"] = loop


def numpy(folder):
    counting = np.arange(6).reshape(2, 3)
    np.save(folder / "c.npy", counting.astype("<f4"))
    np.save(folder / "fortran.npy", np.asfortranarray(counting.astype("<i4")))
    np.save(folder / "big_endian.npy", counting.astype(">f8"))
    np.save(folder / "half.npy", counting.astype("f2"))
    np.save(folder / "bool.npy", np.array([True, False]))
    np.save(folder / "bfloat16.npy", counting.astype(ml_dtypes.bfloat16))
    np.save(folder / "unicode.npy", np.array([["a", "\u00fcn\u00ef"], ["", "\U0001f600"]]))
    np.save(folder / "unicode_be.npy", np.array(["ab", "c"]).astype(">U2"))
    np.save(folder / "bytes.npy", np.array([b"ab", b"c"]))
    np.save(folder / "scalar.npy", np.float64(2.5))
    np.save(folder / "empty.npy", np.zeros((0, 3)))
    np.save(folder / "object.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.save(folder / "record.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
    with open(folder / "version2.npy", "wb") as f:
        np.lib.format.write_array(f, counting, version=(2, 0))
    with open(folder / "version3.npy", "wb") as f:
        np.lib.format.write_array(f, counting, version=(3, 0))
    np.savez(folder / "stored.npz", x=counting, y=np.array(["a", "b"]))
    np.savez_compressed(folder / "deflated.npz", x=counting, zeros=np.zeros(10000, "f4"))


def archive(folder):
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("config.json"), b"1" * (1 << 21), zipfile.ZIP_DEFLATED)


OUT.mkdir(exist_ok=True)
hdf5(OUT / "earliest.h5", "earliest")
hdf5(OUT / "latest.h5", "latest")
refused(OUT)
numpy(OUT)
archive(OUT)

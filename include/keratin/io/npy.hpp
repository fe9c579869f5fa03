#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin::io {

/// Reads NumPy's .npy: numbers of any size and byte order, bool, texts ('U'
/// becomes UTF-8, 'S' stays as it is), in C or Fortran order. Two bytes of type
/// 'V' are bfloat16, as ml_dtypes writes it. Python objects (pickles), records
/// and complex numbers are refused. Numbers in this machine's order share the
/// mapped file's memory. Throws SystemError when the file cannot be opened,
/// InvalidArgument when it is damaged or of another kind.
KERATIN_API Tensor load_npy(const std::string& path);

/// Reads all arrays of an .npz, by name ("x_train"). `limit_bytes` bounds the
/// size of each compressed array; 0 means 64 MiB or 100 times its packed size,
/// whichever is more. Errors as load_npy.
KERATIN_API std::map<std::string, Tensor> load_npz(
    const std::string& path, std::uint64_t limit_bytes = 0);

/// Writes .npy, replacing the file at once or not at all. Texts become 'U'.
/// Throws SystemError naming the call that failed, InvalidArgument for text
/// that is not UTF-8.
KERATIN_API void save_npy(const std::string& path, const Tensor& value);

/// Writes an uncompressed .npz, as np.savez does. Errors as save_npy.
KERATIN_API void save_npz(
    const std::string& path, const std::map<std::string, Tensor>& arrays);

}  // namespace keratin::io

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

/// Pictures in and out, as keras.utils has them.
namespace keratin::utils {

struct LoadImgOptions {
  std::string color_mode = "rgb";  // or "grayscale", "rgba"
  /// [height, width]; else as the file has it.
  std::optional<std::array<std::int64_t, 2>> target_size = {};
  /// Pillow's "nearest", "bilinear", "bicubic", "hamming", "box", "lanczos".
  std::string interpolation = "nearest";
  /// Cuts the middle out in the target's proportions before resizing.
  bool keep_aspect_ratio = false;
};

/// The picture of a JPEG, PNG, GIF (first frame) or BMP file, known by its
/// content: u8[height, width, channels] with 3, 1 or 4 channels by color_mode.
/// The numbers are Keras's and Pillow's; EXIF orientation is not followed.
///
/// Throws SystemError for a file that cannot be read, InvalidArgument, naming
/// the file, for a damaged one or one that is no picture, and for an option
/// that is none of the above.
KERATIN_API Tensor
load_img(const std::string& path, const LoadImgOptions& options = {});

struct SaveImgOptions {
  std::string file_format = {};  // "png" or "jpeg"; else by the path's ending
  bool scale = true;             // stretch the values to 0..255
  int quality = 75;              // of JPEG, 1 to 100
};

/// Writes x: [height, width, 1, 3 or 4], numbers, as PNG or JPEG. With `scale`,
/// as Keras: x - min, divided by the largest, times 255; without, values are
/// taken as 0..255 (fractions are cut off, what is outside is an error). JPEG
/// drops a fourth channel. The file appears whole or not at all.
KERATIN_API void save_img(
    const std::string& path,
    const Tensor& x,
    const SaveImgOptions& options = {});

struct ImgToArrayOptions {
  std::string data_format = "channels_last";  // or "channels_first"
  DType dtype = DType::f32;
};

/// A picture [height, width, channels], or [height, width] with one channel,
/// as numbers of the dtype, its axes as data_format says.
KERATIN_API Tensor
img_to_array(const Tensor& picture, const ImgToArrayOptions& options = {});

struct ArrayToImgOptions {
  std::string data_format = "channels_last";  // or "channels_first"
  bool scale = true;                          // stretch the values to 0..255
};

/// The picture that save_img would write of x: u8[height, width, 1, 3 or 4].
KERATIN_API Tensor
array_to_img(const Tensor& x, const ArrayToImgOptions& options = {});

}  // namespace keratin::utils

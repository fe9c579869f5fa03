#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include <keratin/error.hpp>
#include <keratin/image.hpp>

#include "src/core/format.hpp"
#include "src/data/channels.hpp"
#include "src/data/pillow_resize.hpp"
#include "src/io/atomic_file.hpp"
#include "src/io/image_codec.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::utils {
namespace {

using Size = std::array<std::int64_t, 2>;

io::ImageChannels channels_of(const std::string& color_mode) {
  if (color_mode == "grayscale") return io::ImageChannels::grey;
  if (color_mode == "rgb") return io::ImageChannels::rgb;
  if (color_mode == "rgba") return io::ImageChannels::rgba;
  throw InvalidArgument(format(
      "[load_img] expected color_mode grayscale, rgb or rgba, got \"{}\"",
      color_mode));
}

void check_options(const LoadImgOptions& options) {
  if (!data::is_pillow_method(options.interpolation)) {
    throw InvalidArgument(format(
        "[load_img] expected interpolation to be one of {}, got \"{}\"",
        data::pillow_methods(),
        options.interpolation));
  }
  if (!options.target_size) return;
  const auto [height, width] = *options.target_size;
  if (height < 1 || width < 1 ||
      static_cast<std::uint64_t>(height) >
          io::kMaxImagePixels / static_cast<std::uint64_t>(width)) {
    throw InvalidArgument(format(
        "[load_img] expected target_size (height, width) of 1 to {} pixels, "
        "got ({}, {})",
        io::kMaxImagePixels,
        height,
        width));
  }
}

/// The middle of a picture in the proportions of `target`, as Keras cuts it.
data::Box middle(const Size& size, const Size& target) {
  const auto [height, width] = size;
  const std::int64_t crop_height =
      std::min(height, width * target[0] / target[1]);
  const std::int64_t crop_width =
      std::min(width, height * target[1] / target[0]);
  const std::int64_t top = (height - crop_height) / 2;
  const std::int64_t left = (width - crop_width) / 2;
  return {left, top, left + crop_width, top + crop_height};
}

bool is_jpeg(const std::string& path, const SaveImgOptions& options) {
  std::string kind = options.file_format;
  if (kind.empty()) {
    kind = std::filesystem::path(path).extension().string();
    if (kind.starts_with('.')) kind.erase(0, 1);
  }
  std::ranges::transform(kind, kind.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  if (kind == "jpg" || kind == "jpeg") return true;
  if (kind == "png") return false;
  throw InvalidArgument(format(
      "[save_img {}] expected file_format png or jpeg, got \"{}\"",
      path,
      kind));
}

void check_picture(const Tensor& x, const std::string& who) {
  const bool fits =
      x.rank() == 3 && x.size() > 0 &&
      (x.shape()[2] == 1 || x.shape()[2] == 3 || x.shape()[2] == 4);
  if (fits && x.dtype() != DType::string) return;
  throw InvalidArgument(format(
      "{} expected numbers [height, width, 1, 3 or 4], got {}{}",
      who,
      x.dtype(),
      x.shape()));
}

/// Samples from 0 to 255.
Tensor to_samples(const Tensor& x, bool scale, const std::string& who) {
  const Tensor wide = x.cast(DType::f32);
  const auto values = wide.data<float>();
  const auto fail = [&](double value) {
    throw InvalidArgument(format(
        "{} expected {}, got {}",
        who,
        scale ? "finite values" : "values from 0 to 255 with scale = false",
        value));
  };
  for (const float value : values) {
    if (!std::isfinite(value)) fail(value);
    if (!scale && (value < 0 || value >= 256)) fail(value);
  }
  const auto limits = std::ranges::minmax(values);
  const float low = limits.min;
  const float range = scale ? limits.max - low : 0;
  Tensor out = Tensor::uninitialized(DType::u8, x.shape());
  std::ranges::transform(
      values, out.mutable_data<std::uint8_t>().begin(), [&](float value) {
        if (scale) value -= low;
        if (range != 0) value /= range;
        return static_cast<std::uint8_t>(scale ? value * 255 : value);
      });
  return out;
}

Tensor without_alpha(const Tensor& picture) {
  const auto from = picture.data<std::uint8_t>();
  Tensor out = Tensor::uninitialized(
      DType::u8, Shape{picture.shape()[0], picture.shape()[1], 3});
  auto to = out.mutable_data<std::uint8_t>().begin();
  for (std::size_t i = 0; i < from.size(); i += 4) {
    to = std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(i), 3, to);
  }
  return out;
}

}  // namespace

Tensor load_img(const std::string& path, const LoadImgOptions& options) {
  check_options(options);
  const io::ImageChannels channels = channels_of(options.color_mode);
  const io::SharedBytes file = io::map_file(path);
  const Tensor picture =
      io::decode_image(file.bytes, channels, format("[load_img {}]", path));
  const Size size{picture.shape()[0], picture.shape()[1]};
  if (!options.target_size || *options.target_size == size) return picture;
  const data::Box box = options.keep_aspect_ratio
                            ? middle(size, *options.target_size)
                            : data::Box{0, 0, size[1], size[0]};
  if (box.right == box.left || box.bottom == box.top) {
    throw InvalidArgument(format(
        "[load_img {}] keep_aspect_ratio: nothing of {} x {} pixels is left in "
        "the proportions of target_size ({}, {})",
        path,
        size[1],
        size[0],
        (*options.target_size)[0],
        (*options.target_size)[1]));
  }
  return data::pillow_resize(
      picture, *options.target_size, options.interpolation, box);
}

void save_img(
    const std::string& path, const Tensor& x, const SaveImgOptions& options) {
  const bool jpeg = is_jpeg(path, options);
  const std::string who = format("[save_img {}]", path);
  check_picture(x, who);
  if (options.quality < 1 || options.quality > 100) {
    throw InvalidArgument(format(
        "[save_img {}] expected quality from 1 to 100, got {}",
        path,
        options.quality));
  }
  Tensor picture = to_samples(x, options.scale, who);
  if (jpeg && picture.shape()[2] == 4) picture = without_alpha(picture);
  io::write_file(
      path,
      jpeg ? io::encode_jpeg(picture, options.quality)
           : io::encode_png(picture));
}

Tensor img_to_array(const Tensor& picture, const ImgToArrayOptions& options) {
  constexpr const char* kWho = "[img_to_array]";
  const bool first = data::is_channels_first(options.data_format, kWho);
  const std::size_t rank = picture.rank();
  if ((rank != 2 && rank != 3) || picture.dtype() == DType::string) {
    throw InvalidArgument(format(
        "{} expected numbers [height, width] or [height, width, channels], got "
        "{}{}",
        kWho,
        picture.dtype(),
        picture.shape()));
  }
  const Tensor x =
      rank == 3 ? picture
                : picture.reshape({picture.shape()[0], picture.shape()[1], 1});
  return (first ? data::with_channels_first(x) : x).cast(options.dtype);
}

Tensor array_to_img(const Tensor& x, const ArrayToImgOptions& options) {
  constexpr const char* kWho = "[array_to_img]";
  const bool first = data::is_channels_first(options.data_format, kWho);
  const Tensor picture =
      first && x.rank() == 3 ? data::with_channels_last(x) : x;
  check_picture(picture, kWho);
  return to_samples(picture, options.scale, kWho);
}

}  // namespace keratin::utils

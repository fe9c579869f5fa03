#include "src/cli/sample_sheet.hpp"

#include <algorithm>
#include <cmath>

#include <keratin/image.hpp>

namespace keratin::cli {

namespace {

constexpr std::int64_t kGap = 2;  // pixels

/// What is shown as black and as white.
std::pair<float, float> range_of(const std::vector<Tensor>& pictures) {
  float low = 0;
  float high = 0;
  bool any = false;
  for (const Tensor& picture : pictures) {
    for (const float value : picture.data<float>()) {
      if (!std::isfinite(value)) continue;
      low = any ? std::min(low, value) : value;
      high = any ? std::max(high, value) : value;
      any = true;
    }
  }
  if (low >= 0 && high <= 1) return {0.0F, 1.0F};
  if (low >= 0 && high <= 255) return {0.0F, 255.0F};
  return {low, high};
}

}  // namespace

void SampleSheet::add(const Tensor& batch) {
  const Shape& shape = batch.shape();
  const bool grey = shape.rank() == 3;
  const bool colours =
      shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3 || shape[3] == 4);
  if (batch.dtype() == DType::string || (!grey && !colours)) return;
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    if (std::ssize(pictures_) == kColumns * kRows) return;
    const Tensor picture = batch[i].cast(DType::f32);
    pictures_.push_back(
        grey ? picture.reshape({shape[1], shape[2], 1}) : picture);
  }
}

void SampleSheet::save(const std::string& path) const {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t depth = 1;
  for (const Tensor& picture : pictures_) {
    height = std::max(height, picture.shape()[0]);
    width = std::max(width, picture.shape()[1]);
    depth = std::max(depth, picture.shape()[2]);
  }
  const auto count = std::ssize(pictures_);
  const std::int64_t columns = std::min<std::int64_t>(count, kColumns);
  const std::int64_t rows = (count + kColumns - 1) / kColumns;
  Tensor sheet = Tensor::full(
      DType::u8,
      {rows * (height + kGap) - kGap, columns * (width + kGap) - kGap, depth},
      255);
  const auto [low, high] = range_of(pictures_);
  const float scale = high > low ? 255 / (high - low) : 0;
  auto out = sheet.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor& picture = pictures_[static_cast<std::size_t>(i)];
    const Shape& shape = picture.shape();
    const auto values = picture.data<float>();
    std::size_t from = 0;
    for (std::int64_t y = 0; y < shape[0]; ++y) {
      const std::int64_t row = i / kColumns * (height + kGap) + y;
      const std::int64_t column = i % kColumns * (width + kGap);
      auto to =
          static_cast<std::size_t>((row * sheet.shape()[1] + column) * depth);
      for (std::int64_t x = 0; x < shape[1] * depth; ++x, ++to, ++from) {
        const float value = std::isfinite(values[from]) ? values[from] : low;
        out[to] = static_cast<std::uint8_t>(
            std::clamp((value - low) * scale + 0.5F, 0.0F, 255.0F));
      }
    }
  }
  utils::save_img(path, sheet, {.scale = false});
}

}  // namespace keratin::cli

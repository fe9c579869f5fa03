#include "src/cli/draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <keratin/error.hpp>

namespace keratin::cli {

namespace {

constexpr std::int64_t kWide = 20;  // pixels across, from here on one column
constexpr std::array kShades = {" ", "░", "▒", "▓", "█"};

Tensor as_matrix(const Tensor& picture) {
  const Shape& shape = picture.shape();
  if (shape.rank() == 2) return picture;
  if (shape.rank() == 3 && shape[2] == 1) {
    return picture.reshape({shape[0], shape[1]});
  }
  throw InvalidArgument(
      "[--draw] expected pictures of one channel, [h, w] or [h, w, 1], got "
      "rank " +
      std::to_string(shape.rank()));
}

const char* shade(double value, double low, double high) {
  const double share = high > low ? (value - low) / (high - low) : 0;
  const auto last = static_cast<double>(kShades.size() - 1);
  return kShades[static_cast<std::size_t>(std::lround(share * last))];
}

}  // namespace

std::int64_t drawn_width(const Tensor& picture) {
  const std::int64_t width = as_matrix(picture).shape()[1];
  return width < kWide ? 2 * width : width;
}

std::vector<std::string> draw(const Tensor& picture) {
  const Tensor matrix = as_matrix(picture);
  const std::int64_t rows = matrix.shape()[0];
  const std::int64_t columns = matrix.shape()[1];
  const std::vector<double> pixels = matrix.to_vector<double>();
  if (pixels.empty()) return {};
  const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
  const bool wide = columns >= kWide;
  const std::int64_t step = wide ? 2 : 1;  // rows to a line
  std::vector<std::string> lines;
  for (std::int64_t row = 0; row < rows; row += step) {
    std::string line;
    for (std::int64_t column = 0; column < columns; ++column) {
      double value = pixels[static_cast<std::size_t>(row * columns + column)];
      if (wide && row + 1 < rows) {
        value += pixels[static_cast<std::size_t>((row + 1) * columns + column)];
        value /= 2;
      }
      const char* const text = shade(value, *low, *high);
      line += text;
      if (!wide) line += text;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace keratin::cli

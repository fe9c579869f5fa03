#include "layers/audio/stft_initializer.hpp"

#include <cmath>
#include <numbers>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/spectrogram.hpp>

#include "layers/functions/window_functions.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

STFTInitializer::STFTInitializer(initializers::STFTOptions options)
    : o_(std::move(options)) {
  check("stft");
}

void STFTInitializer::fields(FieldVisitor& visit) {
  visit("side", o_.side, {.choices = {"real", "imag"}});
  visit("window", o_.window);
  visit("periodic", o_.periodic);
  visit("scaling", o_.scaling);
}

void STFTInitializer::from_config(
    const Config& config, const std::string& where) {
  InitializerImpl::from_config(config, where);
  check(where);
}

void STFTInitializer::check(const std::string& where) const {
  if (o_.side != "real" && o_.side != "imag") {
    throw InvalidArgument(format(
        "[{}] expected side \"real\" or \"imag\", got \"{}\"", where, o_.side));
  }
  if (o_.scaling && *o_.scaling != "density" && *o_.scaling != "spectrum") {
    throw InvalidArgument(format(
        "[{}] expected scaling \"density\", \"spectrum\" or none, got \"{}\"",
        where,
        *o_.scaling));
  }
  if (o_.window) window_function(*o_.window, 2, false, where);
}

Tensor STFTInitializer::make(const Shape& shape, DType dtype) const {
  if (shape.rank() != 3) {
    throw InvalidArgument(
        format("[stft] expected a shape of frame, 1 and bins, got {}", shape));
  }
  const auto frame = static_cast<std::size_t>(shape[0]);
  const auto bins = static_cast<std::size_t>(shape[2]);
  std::vector<double> window(frame, 1.0);
  double scale = 1;
  if (o_.window) {
    window = window_function(*o_.window, frame, o_.periodic, "stft");
    double sum = 0;
    double squares = 0;
    for (const double w : window) {
      sum += std::abs(w);
      squares += w * w;
    }
    if (o_.scaling) scale = *o_.scaling == "density" ? std::sqrt(squares) : sum;
  }
  const double length = (static_cast<double>(bins) - 1) * 2;
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(shape.size()));
  for (std::size_t t = 0; t < frame; ++t) {
    for (std::int64_t channel = 0; channel < shape[1]; ++channel) {
      for (std::size_t f = 0; f < bins; ++f) {
        // Whole turns change nothing; without them the angle stays exact.
        const double turns =
            std::fmod(static_cast<double>(t) * static_cast<double>(f), length);
        const double angle = -2 * std::numbers::pi * turns / length;
        const double wave =
            o_.side == "real" ? std::cos(angle) : std::sin(angle);
        values.push_back(wave * window[t] / scale);
      }
    }
  }
  return Tensor(values, shape).cast(dtype);
}

}  // namespace keratin::layers

namespace keratin::initializers {

Initializer STFT(STFTOptions options) {
  return {std::make_shared<const layers::STFTInitializer>(std::move(options))};
}

}  // namespace keratin::initializers

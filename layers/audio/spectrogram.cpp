// STFTSpectrogram and MelSpectrogram.

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

#include <keratin/layers/spectrogram.hpp>

#include "layers/functions/window_functions.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

class STFTSpectrogramImpl final : public KerasLayer {
 public:
  STFTSpectrogramImpl() = default;

  explicit STFTSpectrogramImpl(STFTSpectrogramOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "STFTSpectrogram"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(
        "mode",
        o_.mode,
        {.choices = {
             "log", "magnitude", "psd", "real", "imag", "angle", "stft"}});
    visit("frame_length", o_.frame_length, {.minimum = 2});
    visit("frame_step", o_.frame_step, {.minimum = 1});
    visit("fft_length", o_.fft_length, {.minimum = 2});
    visit("window", o_.window);
    visit("periodic", o_.periodic);
    visit("scaling", o_.scaling);
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit(
        "data_format",
        o_.data_format,
        {.choices = {"channels_last", "channels_first"}});
    visit("expand_dims", o_.expand_dims);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, 3);
    const Shape shape = {o_.frame_length, 1, fft_length() / 2 + 1};
    const auto kernel = [&](const char* name, const char* side) {
      return add_weight(
          name,
          shape,
          {.initializer = initializers::STFT(
               {.side = side,
                .window = o_.window,
                .scaling = o_.scaling,
                .periodic = o_.periodic})});
    };
    if (o_.mode != "imag") real_ = kernel("real_kernel", "real");
    if (o_.mode != "real") imaginary_ = kernel("imag_kernel", "imag");
  }

  Value call(CallContext& ctx, const Value& input) override {
    const bool first = o_.data_format == "channels_first";
    const Value x = first ? input : ops::transpose(input, {0, 2, 1});
    Value real;
    Value imaginary;
    if (real_) real = transform(x, ctx.read(real_));
    if (imaginary_) imaginary = transform(x, ctx.read(imaginary_));
    if (o_.mode == "real") return arrange(real);
    if (o_.mode == "imag") return arrange(imaginary);
    if (o_.mode == "angle") return arrange(ops::arctan2(imaginary, real));
    if (o_.mode == "stft") {
      return arrange(ops::concatenate({real, imaginary}, 3));
    }
    Value power = ops::square(real) + ops::square(imaginary);
    if (o_.mode == "psd") {
      // All bins but the first and the last stand for two.
      const std::int64_t bins = power.shape().back();
      const Value inner = ops::slice_axis(power, 3, 1, bins - 1);
      return arrange(power + ops::pad(inner, {0, 0, 0, 1}, {0, 0, 0, 1}));
    }
    const Value size = ops::sqrt(ops::maximum(power, kEpsilon));
    if (o_.mode == "magnitude") return arrange(size);
    return arrange(ops::log(ops::maximum(size, kEpsilon)));
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (o_.frame_step && *o_.frame_step > o_.frame_length) {
      fail(format(
          "expected frame_step <= frame_length, got {} and {}",
          *o_.frame_step,
          o_.frame_length));
    }
    if (o_.fft_length && *o_.fft_length < o_.frame_length) {
      fail(format(
          "expected fft_length >= frame_length, got {} and {}",
          *o_.fft_length,
          o_.frame_length));
    }
    if (o_.scaling && *o_.scaling != "density" && *o_.scaling != "spectrum") {
      fail(format(
          "expected scaling \"density\", \"spectrum\" or none, got \"{}\"",
          *o_.scaling));
    }
    if (o_.window) window_function(*o_.window, 2, false, who());
  }

 private:
  std::int64_t fft_length() const {
    if (o_.fft_length) return *o_.fft_length;
    return static_cast<std::int64_t>(
        std::bit_ceil(static_cast<std::uint64_t>(o_.frame_length)));
  }

  /// [batch, channels, time] -> [batch, channels, frames, bins]
  Value transform(const Value& x, const Value& kernel) const {
    const std::int64_t batch = x.shape()[0];
    const std::int64_t channels = x.shape()[1];
    const std::int64_t time = x.shape()[2];
    const std::int64_t step = o_.frame_step.value_or(o_.frame_length / 2);
    const ops::Window window =
        ops::make_window(o_.padding, {time}, {o_.frame_length}, {step}, {});
    const Value y =
        ops::conv(ops::reshape(x, {batch * channels, time, 1}), kernel, window);
    return ops::reshape(y, {batch, channels, y.shape()[1], y.shape()[2]});
  }

  Value arrange(const Value& y) const {
    const Shape& s = y.shape();
    const bool first = o_.data_format == "channels_first";
    if (o_.expand_dims) {
      return first ? y : ops::transpose(y, {0, 2, 3, 1});
    }
    if (first) {
      return ops::reshape(
          ops::transpose(y, {0, 1, 3, 2}), {s[0], s[1] * s[3], s[2]});
    }
    return ops::reshape(
        ops::transpose(y, {0, 2, 1, 3}), {s[0], s[2], s[1] * s[3]});
  }

  STFTSpectrogramOptions o_;
  Variable real_;
  Variable imaginary_;
};

class MelSpectrogramImpl final : public KerasLayer {
 public:
  MelSpectrogramImpl() = default;

  explicit MelSpectrogramImpl(MelSpectrogramOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "MelSpectrogram"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("fft_length", o_.fft_length, {.minimum = 2});
    visit("sequence_stride", o_.sequence_stride, {.minimum = 1});
    visit("sequence_length", o_.sequence_length, {.minimum = 1});
    visit("window", o_.window, {.choices = {"hann", "hamming"}});
    visit("sampling_rate", o_.sampling_rate);
    visit("num_mel_bins", o_.num_mel_bins, {.minimum = 1});
    visit("min_freq", o_.min_freq);
    visit("max_freq", o_.max_freq);
    visit("power_to_db", o_.power_to_db);
    visit("top_db", o_.top_db);
    visit("mag_exp", o_.mag_exp);
    visit("min_power", o_.min_power);
    visit("ref_power", o_.ref_power);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 1);
  }

  Value call(CallContext& ctx, const Value& input) override {
    const DType dtype = wide_dtype(compute_dtype());
    Graph& graph = ctx.graph();
    const Value x = input.dtype() == dtype ? input : ops::cast(input, dtype);
    const std::int64_t time = x.shape().back();
    if (time <= o_.fft_length / 2) {
      fail(format(
          "expected more than fft_length / 2 = {} samples, got {}",
          o_.fft_length / 2,
          x.shape()));
    }
    const Value frames =
        ops::take(x, ops::constant(graph, frame_indices(time)), -1);
    const auto product = [&](bool sine) {
      return ops::matmul(frames, ops::constant(graph, waves(sine).cast(dtype)));
    };
    Value y =
        ops::sqrt(ops::square(product(false)) + ops::square(product(true)));
    y = o_.mag_exp == 2 ? ops::square(y) : ops::power(y, o_.mag_exp);
    y = ops::matmul(y, ops::constant(graph, mel_weights().cast(dtype)));
    if (o_.power_to_db) y = decibels(y);
    ops::Axes swapped;
    const auto rank = static_cast<std::int64_t>(y.rank());
    for (std::int64_t i = 0; i + 2 < rank; ++i) swapped.push_back(i);
    swapped.push_back(rank - 1);
    swapped.push_back(rank - 2);
    y = ops::transpose(y, swapped);
    return y.dtype() == compute_dtype() ? y : ops::cast(y, compute_dtype());
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (!o_.sequence_length) o_.sequence_length = o_.fft_length;
    if (!o_.max_freq) o_.max_freq = std::floor(o_.sampling_rate / 2);
    if (*o_.sequence_length > o_.fft_length) {
      fail(format(
          "expected sequence_length <= fft_length, got {} and {}",
          *o_.sequence_length,
          o_.fft_length));
    }
    if (!(*o_.max_freq > o_.min_freq)) {
      fail(format(
          "expected max_freq > min_freq, got {} and {}",
          *o_.max_freq,
          o_.min_freq));
    }
  }

 private:
  /// Where frames take their samples; the signal is mirrored at its ends, so
  /// that frames are centred.
  Tensor frame_indices(std::int64_t time) const {
    const std::int64_t margin = o_.fft_length / 2;
    const std::int64_t padded = time + 2 * margin;
    const std::int64_t frames =
        1 + (padded - o_.fft_length) / o_.sequence_stride;
    std::vector<std::int32_t> indices;
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      for (std::int64_t i = 0; i < o_.fft_length; ++i) {
        std::int64_t at = frame * o_.sequence_stride + i - margin;
        if (at < 0) at = -at;
        if (at >= time) at = 2 * (time - 1) - at;
        indices.push_back(static_cast<std::int32_t>(at));
      }
    }
    return Tensor(indices, Shape{frames, o_.fft_length});
  }

  /// The transform's cosines or sines under the window: [fft_length, bins].
  Tensor waves(bool sine) const {
    const auto length = static_cast<std::size_t>(o_.fft_length);
    const auto used = static_cast<std::size_t>(*o_.sequence_length);
    const std::vector<double> window =
        window_function(o_.window, used, true, who());
    const std::size_t before = (length - used) / 2;
    const std::size_t bins = length / 2 + 1;
    std::vector<double> values;
    values.reserve(length * bins);
    for (std::size_t t = 0; t < length; ++t) {
      const bool inside = t >= before && t < before + used;
      const double weight = inside ? window[t - before] : 0;
      for (std::size_t f = 0; f < bins; ++f) {
        const double angle = 2 * std::numbers::pi *
                             static_cast<double>(t * f % length) /
                             static_cast<double>(length);
        values.push_back(weight * (sine ? std::sin(angle) : std::cos(angle)));
      }
    }
    return Tensor(
        values, Shape{o_.fft_length, static_cast<std::int64_t>(bins)});
  }

  static float mel(float hertz) {
    return 1127.0F * std::log(1 + hertz / 700.0F);  // HTK's
  }

  /// As TensorFlow lays points.
  static std::vector<float> linspace(float first, float last, std::int64_t n) {
    const float step = (last - first) / static_cast<float>(n - 1);
    std::vector<float> points;
    for (std::int64_t i = 0; i < n; ++i) {
      points.push_back(first + step * static_cast<float>(i));
    }
    points.back() = last;
    return points;
  }

  /// Triangles over the mel scale: [bins, num_mel_bins]. The first bin, the
  /// mean, counts in none. In float32 whatever the dtype, as in Keras: where
  /// triangles are narrow, rounding shows.
  Tensor mel_weights() const {
    const std::int64_t bins = o_.fft_length / 2 + 1;
    const auto rate = static_cast<float>(o_.sampling_rate);
    const std::vector<float> frequencies = linspace(0, rate / 2, bins);
    const std::vector<float> edges = linspace(
        mel(static_cast<float>(o_.min_freq)),
        mel(static_cast<float>(*o_.max_freq)),
        o_.num_mel_bins + 2);
    std::vector<float> values;
    for (const float frequency : frequencies) {
      const float at = mel(frequency);
      for (std::size_t band = 0; band + 2 < edges.size(); ++band) {
        const float* const e = edges.data() + band;
        const float rise = (at - e[0]) / (e[1] - e[0]);
        const float fall = (e[2] - at) / (e[2] - e[1]);
        const bool first = values.size() < edges.size() - 2;
        values.push_back(first ? 0 : std::max(0.0F, std::min(rise, fall)));
      }
    }
    return Tensor(values, Shape{bins, o_.num_mel_bins});
  }

  Value decibels(const Value& power) const {
    const double ten = 10 / std::log(10.0);
    const double reference = std::max(std::abs(o_.ref_power), o_.min_power);
    const Value y = ops::log(ops::maximum(power, o_.min_power)) * ten -
                    10 * std::log10(reference);
    return ops::maximum(y, ops::max(y) - o_.top_db);
  }

  MelSpectrogramOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_stft_spectrogram() {
  return std::make_shared<STFTSpectrogramImpl>();
}

std::shared_ptr<LayerImpl> make_mel_spectrogram() {
  return std::make_shared<MelSpectrogramImpl>();
}

STFTSpectrogram::STFTSpectrogram(STFTSpectrogramOptions options)
    : Layer(std::make_shared<STFTSpectrogramImpl>(std::move(options))) {}

MelSpectrogram::MelSpectrogram(MelSpectrogramOptions options)
    : Layer(std::make_shared<MelSpectrogramImpl>(std::move(options))) {}

}  // namespace keratin::layers

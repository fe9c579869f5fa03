#include <algorithm>
#include <cmath>
#include <numbers>

#include <keratin/layers/spectrogram.hpp>

#include "tests/layers/layer_support.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace keratin {

using namespace testing;
namespace kl = layers;

namespace {

/// A tone of `turns` whole turns in `length` samples.
Tensor tone(std::int64_t length, int turns, Shape shape) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < length; ++i) {
    values.push_back(std::cos(
        2 * std::numbers::pi * turns * static_cast<double>(i) /
        static_cast<double>(length)));
  }
  return array(values, std::move(shape));
}

}  // namespace

TEST_CASE("spectrograms keep the layer contract") {
  check_layer(
      {.layer =
           [] {
             return kl::STFTSpectrogram(
                 {.mode = "psd", .frame_length = 6, .fft_length = 8});
           },
       .inputs = {{2, 15, 2}},
       .output = {2, 4, 10},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::STFTSpectrogram(
                 {.mode = "stft",
                  .frame_length = 4,
                  .window = "hamming",
                  .scaling = "spectrum",
                  .padding = "same",
                  .expand_dims = true,
                  .data_format = "channels_first"});
           },
       .inputs = {{2, 2, 6}},
       .output = {2, 2, 3, 6},
       .weights = 2});
  check_layer(
      {.layer =
           [] {
             return kl::MelSpectrogram(
                 {.fft_length = 16,
                  .sequence_stride = 8,
                  .sampling_rate = 100,
                  .num_mel_bins = 3,
                  .min_freq = 1,
                  .power_to_db = false});
           },
       .inputs = {{2, 32}},
       .output = {2, 3, 5}});
}

TEST_CASE("a tone is all in its bin, by hand") {
  // Without a window the transform of cos(2 pi 2 t / 8) is 4 in bin 2 alone.
  const Tensor y = apply(
      kl::STFTSpectrogram(
          {.mode = "real",
           .frame_length = 8,
           .frame_step = 8,
           .window = std::nullopt}),
      tone(8, 2, {1, 8, 1}));
  check_values(y, {1, 1, 5}, {0, 0, 4, 0, 0});
}

TEST_CASE("the transform's kernel, by hand") {
  // Hann's window of 3 is 0, 1, 0; its length 1.
  const Tensor kernel =
      initializers::STFT({.side = "imag"})({3, 1, 3}, DType::f64);
  check_values(kernel, {3, 1, 3}, {0, 0, 0, 0, -1, 0, 0, 0, 0});
  CHECK(message_of<InvalidArgument>([] {
          initializers::STFT({.window = "hamm"});
        }).starts_with("[stft] no window function is called 'hamm'"));
}

// mel_cases.json is written by tests/data/make_spectrogram_cases.py.
TEST_CASE("mel spectrograms of any arguments are Keras's") {
  const Config cases = Config::parse(
      read_file(fixture("spectrograms/mel_cases.json")), "mel_cases.json");
  const auto tensor = [](const Config& config) {
    std::vector<double> values;
    for (const Config& value : config.at("values").as_array()) {
      values.push_back(value.as_number());
    }
    return Tensor(values, Shape(config.at("shape").as_ints())).cast(DType::f32);
  };
  const Tensor sound = tensor(cases.at("sound"));
  for (const Config& item : cases.at("cases").as_array()) {
    const Layer layer = deserialize_layer(item.at("layer"), "case");
    CAPTURE(layer.name());
    const Tensor want = tensor(item);
    const Tensor got = layer(sound);
    REQUIRE(got.shape() == want.shape());
    double largest = 0;
    double off = 0;
    for (std::int64_t i = 0; i < want.size(); ++i) {
      largest = std::max(largest, std::abs(want.at(i)));
      off = std::max(off, std::abs(got.at(i) - want.at(i)));
    }
    CHECK(off <= 5e-6 * largest);
  }
}

TEST_CASE("spectrograms say what is wrong") {
  CHECK(
      make_error([] {
        kl::STFTSpectrogram({.frame_length = 8, .fft_length = 4, .name = "s"});
      }) ==
      "[s: STFTSpectrogram] expected fft_length >= frame_length, got 4 and 8");
  CHECK(
      call_error(
          kl::MelSpectrogram({.fft_length = 64, .name = "m"}), {1, 20}) ==
      "[m: MelSpectrogram] expected more than fft_length / 2 = 32 samples, got "
      "[1,20]");
}

}  // namespace keratin

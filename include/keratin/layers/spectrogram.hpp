#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/layer.hpp>

namespace keratin::initializers {

struct STFTOptions {
  std::string side = "real";  // or "imag"
  /// A window function by scipy.signal's name, or {} for none.
  std::optional<std::string> window = "hann";
  std::optional<std::string> scaling = "density";  // "spectrum" or {}
  bool periodic = false;
};

/// The kernel of a short-time Fourier transform, [frame, 1, bins]: cosines or
/// negative sines under a window.
KERATIN_API Initializer STFT(STFTOptions options = {});

}  // namespace keratin::initializers

/// Spectrograms of audio.
namespace keratin::layers {

struct STFTSpectrogramOptions {
  /// "log", "magnitude", "psd", "real", "imag", "angle" or "stft"
  std::string mode = "log";
  std::int64_t frame_length = 256;
  std::optional<std::int64_t> frame_step = {};  // half a frame
  std::optional<std::int64_t> fft_length = {};  // the next power of two
  std::optional<std::string> window = "hann";   // or none
  bool periodic = false;
  std::optional<std::string> scaling = "density";  // "spectrum" or none
  std::string padding = "valid";                   // or "same"
  bool expand_dims = false;
  std::string data_format = "channels_last";
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Short-time Fourier transform by convolution with kernels that may be
/// trained.
///
///   x: [batch, time, channels]
///   y: [batch, frames, channels * bins], or with expand_dims
///      [batch, frames, bins, channels]
///   real_kernel, imag_kernel: [frame_length, 1, bins]
class KERATIN_API STFTSpectrogram : public Layer {
 public:
  explicit STFTSpectrogram(STFTSpectrogramOptions options = {});
};

struct MelSpectrogramOptions {
  std::int64_t fft_length = 2048;
  std::int64_t sequence_stride = 512;
  std::optional<std::int64_t> sequence_length = {};  // fft_length
  std::string window = "hann";                       // or "hamming"
  double sampling_rate = 16000;
  std::int64_t num_mel_bins = 128;
  double min_freq = 20;
  std::optional<double> max_freq = {};  // half the sampling rate
  bool power_to_db = true;
  double top_db = 80;
  double mag_exp = 2;
  double min_power = 1e-10;
  double ref_power = 1;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// The power of a signal in bands of the mel scale, in decibels.
///
///   x: [time] or [batch, time]   y: [(batch,) num_mel_bins, frames]
class KERATIN_API MelSpectrogram : public Layer {
 public:
  explicit MelSpectrogram(MelSpectrogramOptions options = {});
};

}  // namespace keratin::layers

#include "src/io/wav.hpp"

#include <algorithm>

#include "src/core/format.hpp"

namespace keratin::io {
namespace {

constexpr std::uint16_t kPcm = 1;
constexpr std::uint16_t kExtensible = 0xfffe;
constexpr std::uint64_t kMaxChannels = 256;

/// The channels of a format chunk of 16-bit PCM.
std::int64_t read_format(Bytes chunk, std::string_view who) {
  ByteReader in(chunk, who);
  std::uint16_t tag = in.u16();
  const std::uint16_t channels = in.u16();
  in.skip(8);  // rates of samples and of bytes
  const std::uint16_t sample_bytes = in.u16();
  const std::uint16_t bits = in.u16();
  if (tag == kExtensible) {
    in.skip(8);  // size of what follows, bits in use, speakers
    tag = in.u16();
  }
  if (tag != kPcm || bits != 16) {
    in.fail(format(
        "expected sound of 16-bit PCM, got format {} of {} bits; convert it, "
        "e.g. with ffmpeg -i FILE -c:a pcm_s16le NEW.wav",
        tag,
        bits));
  }
  if (channels < 1 || channels > kMaxChannels || sample_bytes != 2 * channels) {
    in.fail(format(
        "expected 1 to {} channels of 2 bytes, got {} in {} bytes; the file "
        "is damaged",
        kMaxChannels,
        channels,
        sample_bytes));
  }
  return channels;
}

Tensor to_floats(
    Bytes data, std::int64_t channels, std::optional<std::int64_t> length) {
  const auto there = static_cast<std::int64_t>(data.size()) / (2 * channels);
  const std::int64_t samples = length.value_or(there);
  Tensor out(DType::f32, Shape{samples, channels});
  auto to = out.mutable_data<float>();
  const auto count =
      static_cast<std::size_t>(std::min(samples, there) * channels);
  for (std::size_t i = 0; i < count; ++i) {
    const auto low = static_cast<std::uint16_t>(data[2 * i]);
    const auto high = static_cast<std::uint16_t>(data[2 * i + 1]);
    const auto sample = static_cast<std::int16_t>(low | high << 8);
    to[i] = static_cast<float>(sample) / 32768.0F;
  }
  return out;
}

}  // namespace

Tensor decode_wav(
    Bytes file, std::string_view who, std::optional<std::int64_t> length) {
  ByteReader in(file, who);
  if (file.size() < 12 || as_text(file.first(4)) != "RIFF" ||
      as_text(file.subspan(8, 4)) != "WAVE") {
    in.fail(format(
        "expected a WAV file, got a file that begins with {}",
        file.empty() ? std::string("nothing: it is empty")
                     : quoted(as_text(file).substr(0, 12))));
  }
  in.skip(12);
  std::optional<std::int64_t> channels;
  std::optional<Bytes> data;
  // What is too short for a chunk is no part of the file.
  while (in.remaining() >= 8) {
    const std::string_view id = in.take_text(4);
    const std::uint64_t size = in.u32();
    if (size > in.remaining()) {
      in.fail(format(
          "chunk {} of {} bytes is cut short after {}; the file is damaged, or "
          "was written to a pipe",
          quoted(id),
          size,
          in.remaining()));
    }
    const Bytes chunk = in.take(size);
    // Not all writers pad chunks to even sizes; no chunk's name begins so.
    if (size % 2 == 1 && in.remaining() > 0 &&
        file[in.position()] == std::byte{0}) {
      in.skip(1);
    }
    if (id == "fmt " && !channels) channels = read_format(chunk, who);
    if (id != "data") continue;
    if (data) in.fail("expected one chunk of sound, got more");
    if (!channels) in.fail("expected the sound's format before the sound");
    data = chunk;
  }
  if (!data) in.fail("expected a chunk of sound, got none");
  return to_floats(*data, *channels, length);
}

}  // namespace keratin::io

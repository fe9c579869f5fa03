#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/io/wav.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace fs = std::filesystem;
using data::Dataset;
using data::Element;
using testing::fixture;
using testing::message_of;
using testing::read_file;
using testing::TempDir;
using utils::audio_dataset_from_directory;
using utils::AudioDatasetOptions;

namespace {

const std::map<std::string, std::vector<std::string>> kFiles = {
    {"bell", {"listed.wav", "long.wav"}}, {"drum", {"mono.wav", "short.wav"}}};

/// The folder that make_sound_fixtures.py made.
void fill_sounds(const TempDir& folder) {
  for (const auto& [name, files] : kFiles) {
    fs::create_directory(folder / name);
    for (const std::string& file : files) {
      fs::copy_file(fixture("sounds/" + file), folder / name / file);
    }
  }
}

std::string sound(const std::string& name) {
  return read_file(fixture("sounds/" + name));
}

Tensor decode(const std::string& bytes) {
  return io::decode_wav(io::as_bytes(bytes), "[x]");
}

std::string error_of(const std::string& bytes) {
  return message_of<InvalidArgument>([&] { decode(bytes); });
}

/// mono.wav with other bytes at a place.
std::string changed(std::size_t at, const std::string& bytes) {
  return sound("mono.wav").replace(at, bytes.size(), bytes);
}

std::string chunk(const std::string& name, const std::string& content) {
  const std::string size = {static_cast<char>(content.size()), 0, 0, 0};
  return name + size + content;
}

}  // namespace

TEST_CASE("Sounds of a folder are Keras's, padded or of one length") {
  const TempDir folder;
  fill_sounds(folder);
  const auto expected = io::load_npz(fixture("sounds/sounds.npz").string());
  for (const char* length : {"None", "40"}) {
    AudioDatasetOptions options;
    options.batch_size = 3;
    options.shuffle = false;
    options.verbose = false;
    if (length != std::string("None")) options.output_sequence_length = 40;
    const auto dataset =
        audio_dataset_from_directory(folder.path().string(), options);
    CHECK(dataset.class_names() == std::vector<std::string>{"bell", "drum"});
    int batches = 0;
    for (const Element& element : dataset) {
      const std::string key =
          std::string(length) + "/" + std::to_string(batches++);
      CAPTURE(key);
      CHECK(element.x.tensors()[0] == expected.at(key + "/x"));
      CHECK(element.y.tensors()[0] == expected.at(key + "/y"));
    }
    CHECK(batches == 2);
  }
}

TEST_CASE("A seed splits sounds as in Keras") {
  const TempDir folder;
  fill_sounds(folder);
  const auto expected = io::load_npz(fixture("sounds/sounds.npz").string());
  const auto [train, validation] = utils::audio_datasets_from_directory(
      folder.path().string(),
      {.batch_size = {},
       .shuffle = true,
       .seed = 5,
       .validation_split = 0.5,
       .verbose = false});
  const auto shortest_first = [](const Dataset& dataset) {
    std::vector<Tensor> sounds;
    for (const Element& e : dataset) sounds.push_back(e.x.tensors()[0]);
    REQUIRE(sounds.size() == 2);
    if (sounds[0].size() > sounds[1].size()) std::swap(sounds[0], sounds[1]);
    return concatenate(sounds);
  };
  CHECK(shortest_first(train) == expected.at("split/training"));
  CHECK(shortest_first(validation) == expected.at("split/validation"));
}

TEST_CASE("Samples of a WAV file are 32768ths, channels side by side") {
  const Tensor mono = decode(sound("mono.wav"));
  CHECK(mono.shape() == Shape{50, 1});
  CHECK(mono.at(0) == -1);
  CHECK(mono.at(1) == 32767.0 / 32768);
  CHECK(decode(sound("stereo.wav")).shape() == Shape{20, 2});
}

TEST_CASE("WAV files that TensorFlow refuses though they are right load") {
  const std::string mono = sound("mono.wav");
  const Tensor expected = decode(mono);
  // A chunk of odd size, padded as the standard wants it, or not.
  const std::string odd = chunk("LIST", "abc");
  CHECK(decode(mono.substr(0, 36) + odd + '\0' + mono.substr(36)) == expected);
  CHECK(decode(mono.substr(0, 36) + odd + mono.substr(36)) == expected);
  // An extensible format whose kind is PCM.
  std::string format = mono.substr(20, 16);
  format[0] = '\xfe';
  format[1] = '\xff';
  format += std::string("\x16\0\x10\0\4\0\0\0\1\0", 10);
  format += std::string("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
  CHECK(
      decode(mono.substr(0, 12) + chunk("fmt ", format) + mono.substr(36)) ==
      expected);
  CHECK(decode(mono + "abc") == expected);
}

TEST_CASE("Sounds that are none, or of other kinds, are refused by name") {
  CHECK(
      error_of("RIFF") ==
      "[x]: expected a WAV file, got a file that begins with 'RIFF'");
  CHECK(
      error_of("") ==
      "[x]: expected a WAV file, got a file that begins with nothing: it is "
      "empty");
  CHECK(
      error_of(changed(34, "\x18")) ==
      "[x]: expected sound of 16-bit PCM, got format 1 of 24 bits; convert it, "
      "e.g. with ffmpeg -i FILE -c:a pcm_s16le NEW.wav");
  CHECK(error_of(changed(20, "\3")).find("format 3") != std::string::npos);
  CHECK(
      error_of(changed(22, std::string(1, '\0'))) ==
      "[x]: expected 1 to 256 channels of 2 bytes, got 0 in 2 bytes; the file "
      "is damaged");
  CHECK(
      error_of(changed(40, "\x65")) ==
      "[x]: chunk 'data' of 101 bytes is cut short after 100; the file is "
      "damaged, or was written to a pipe");
  CHECK(
      error_of(sound("mono.wav") + chunk("data", "ab")) ==
      "[x]: expected one chunk of sound, got more");
  CHECK(
      error_of(sound("mono.wav").substr(0, 36)) ==
      "[x]: expected a chunk of sound, got none");
  CHECK(
      error_of(changed(12, "junk")) ==
      "[x]: expected the sound's format before the sound");
  const TempDir folder;
  fs::create_directory(folder / "a");
  testing::write_file(folder / "a" / "bad.wav", "RIFF");
  const auto dataset =
      audio_dataset_from_directory(folder.path().string(), {.verbose = false});
  CHECK(message_of<InvalidArgument>([&] {
          dataset.begin().next();
        }).find((folder / "a" / "bad.wav").string()) != std::string::npos);
  CHECK(
      message_of<InvalidArgument>([&] {
        audio_dataset_from_directory(
            folder.path().string(), {.output_sequence_length = 0});
      }) ==
      "[audio_dataset_from_directory] expected output_sequence_length >= 1, "
      "got 0");
}

}  // namespace keratin

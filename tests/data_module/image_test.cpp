#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/image.hpp>
#include <keratin/io/npy.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::fixture;
using testing::message_of;
using testing::read_file;
using testing::TempDir;
using testing::write_file;
using utils::array_to_img;
using utils::img_to_array;
using utils::load_img;
using utils::save_img;

namespace {

using Arrays = std::map<std::string, Tensor>;

constexpr const char* kColourModes[] = {"rgb", "grayscale", "rgba"};

std::string picture(const std::string& name) {
  return fixture("images/" + name).string();
}

Arrays load_arrays(const std::string& name) {
  return io::load_npz(picture(name));
}

int largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const auto left = a.data<std::uint8_t>();
  const auto right = b.data<std::uint8_t>();
  int largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    largest = std::max(largest, std::abs(left[i] - right[i]));
  }
  return largest;
}

/// The error for a file of these bytes, its folder cut off.
std::string error_of(const std::string& bytes) {
  const TempDir folder;
  const std::string path = (folder / "a.img").string();
  write_file(path, bytes);
  std::string message = message_of<InvalidArgument>([&] { load_img(path); });
  const auto at = message.find(path);
  if (at != std::string::npos) message.replace(at, path.size(), "a.img");
  return message;
}

/// The sizes in keys like "bilinear/5x7/cut".
struct ResizeCase {
  std::string method;
  std::int64_t height;
  std::int64_t width;
  bool cut;
};

ResizeCase parse_case(const std::string& key) {
  const auto slash = key.find('/');
  const auto cross = key.find('x', slash);
  return {
      key.substr(0, slash),
      std::atoi(key.c_str() + slash + 1),
      std::atoi(key.c_str() + cross + 1),
      key.ends_with("/cut")};
}

}  // namespace

TEST_CASE("Pictures of every kind decode to Pillow's samples") {
  const Arrays expected = load_arrays("expected.npz");
  CHECK(expected.size() == 54);
  for (const auto& entry : expected) {
    const auto& key = entry.first;
    const auto& samples = entry.second;
    const auto slash = key.find('/');
    CAPTURE(key);
    const Tensor loaded = load_img(
        picture(key.substr(0, slash)), {.color_mode = key.substr(slash + 1)});
    CHECK(loaded.dtype() == DType::u8);
    // Inks are mixed by TurboJPEG's rounding and ours, Pillow's is a third.
    const int allowed = key.starts_with("inks") ? 1 : 0;
    CHECK(largest_difference(loaded, samples) <= allowed);
  }
}

TEST_CASE("Resizing gives Pillow's samples to the last bit") {
  for (const auto& entry : load_arrays("resized.npz")) {
    const auto& key = entry.first;
    const auto& samples = entry.second;
    CAPTURE(key);
    if (key.ends_with("/rgba")) {
      const Tensor loaded = load_img(
          picture("clear.png"),
          {.color_mode = "rgba",
           .target_size = {{5, 7}},
           .interpolation = key.substr(0, key.find('/'))});
      CHECK(largest_difference(loaded, samples) == 0);
      continue;
    }
    const ResizeCase sizes = parse_case(key);
    const Tensor loaded = load_img(
        picture("colour.png"),
        {.target_size = {{sizes.height, sizes.width}},
         .interpolation = sizes.method,
         .keep_aspect_ratio = sizes.cut});
    CHECK(largest_difference(loaded, samples) == 0);
  }
}

TEST_CASE("A file is known by its content, not by its name") {
  const TempDir folder;
  const std::string path = (folder / "really_a_gif.jpg").string();
  write_file(path, read_file(picture("colour.gif")));
  CHECK(load_img(path) == load_img(picture("colour.gif")));
}

TEST_CASE("What is no picture says what it begins with") {
  CHECK(
      error_of("<html>nothing here</html>") ==
      "[load_img a.img]: expected a JPEG, PNG, GIF or BMP picture, got a file "
      "that begins with '<html>no'");
  CHECK(
      error_of("") ==
      "[load_img a.img]: expected a JPEG, PNG, GIF or BMP picture, got a file "
      "that begins with nothing: it is empty");
  CHECK(message_of<SystemError>([] {
          load_img("/nowhere/a.png");
        }).find("/nowhere/a.png") != std::string::npos);
}

TEST_CASE("Pictures cut short are refused wherever they are cut") {
  for (const char* name :
       {"colour.jpg",
        "progressive.jpg",
        "colour.png",
        "palette.png",
        "colour.gif",
        "interlaced.gif",
        "colour.bmp",
        "one_bit.bmp"}) {
    CAPTURE(name);
    const std::string whole = read_file(picture(name));
    // The last bytes of a GIF or PNG say only that it ends.
    const std::size_t data_end = whole.size() - 16;
    for (std::size_t size = 10; size < data_end; size += 7) {
      CAPTURE(size);
      const std::string message = error_of(whole.substr(0, size));
      CHECK(message.starts_with("[load_img a.img]"));
    }
  }
}

TEST_CASE("A BMP whose first row is its top reads the right way up") {
  const std::string upward = read_file(picture("colour.bmp"));
  std::string downward = upward;
  downward[22] = static_cast<char>(-9);  // height
  for (int i = 23; i < 26; ++i) downward[static_cast<std::size_t>(i)] = '\xff';
  const TempDir folder;
  write_file(folder / "a.bmp", downward);
  const Tensor flipped = load_img((folder / "a.bmp").string());
  const Tensor usual = load_img(picture("colour.bmp"));
  for (std::int64_t y = 0; y < 9; ++y) CHECK(flipped[y] == usual[8 - y]);
}

TEST_CASE("A JPEG that ends early is refused, a thumbnail's end or not") {
  const std::string whole = read_file(picture("colour.jpg"));
  // After the two bytes of the start, a segment that holds an end marker.
  const std::string segment("\xff\xe1\x00\x06\xff\xd9\xff\xd9", 8);
  const std::string cut =
      whole.substr(0, 2) + segment + whole.substr(2, whole.size() - 60);
  CHECK(error_of(cut).starts_with("[load_img a.img]: JPEG is damaged: "));
}

TEST_CASE("A picture that would not fit is refused before it is unpacked") {
  std::string bomb = read_file(picture("colour.bmp"));
  bomb[20] = '\x7f';  // width: 0x7f00000d
  bomb[21] = '\x7f';
  bomb[24] = '\x7f';
  CHECK(
      error_of(bomb).find("expected a picture of 1 to 178956970 pixels") !=
      std::string::npos);
}

TEST_CASE("Options that do not exist are named with those that do") {
  const std::string path = picture("colour.png");
  CHECK(
      message_of<InvalidArgument>(
          [&] { load_img(path, {.color_mode = "hsv"}); }) ==
      "[load_img] expected color_mode grayscale, rgb or rgba, got \"hsv\"");
  CHECK(
      message_of<InvalidArgument>(
          [&] { load_img(path, {.interpolation = "area"}); }) ==
      "[load_img] expected interpolation to be one of nearest, bilinear, "
      "bicubic, hamming, box, lanczos, got \"area\"");
  CHECK(
      message_of<InvalidArgument>([&] {
        load_img(path, {.target_size = {{0, 5}}});
      }) ==
      "[load_img] expected target_size (height, width) of 1 to 178956970 "
      "pixels, got (0, 5)");
}

TEST_CASE("What save_img writes load_img reads") {
  const TempDir folder;
  const std::string png = (folder / "a.png").string();
  const std::string jpeg = (folder / "a.JPG").string();
  for (const char* mode : kColourModes) {
    CAPTURE(mode);
    const Tensor samples = load_img(picture("clear.png"), {.color_mode = mode});
    save_img(png, samples, {.scale = false});
    CHECK(load_img(png, {.color_mode = mode}) == samples);
    save_img(jpeg, samples, {.scale = false, .quality = 100});
    if (samples.shape()[2] == 1) {
      CHECK(
          largest_difference(load_img(jpeg, {.color_mode = mode}), samples) <=
          2);
    } else {
      CHECK(load_img(jpeg).shape() == Shape{9, 13, 3});
    }
  }
}

TEST_CASE("save_img stretches values to the range of samples") {
  const TempDir folder;
  const std::string path = (folder / "a.png").string();
  save_img(path, Tensor(std::vector<double>{-1, 0, 1, 3}, {2, 2, 1}));
  CHECK(
      load_img(path, {.color_mode = "grayscale"}) ==
      Tensor(std::vector<std::uint8_t>{0, 63, 127, 255}, {2, 2, 1}));
}

TEST_CASE("save_img refuses what is no picture and leaves no file") {
  const TempDir folder;
  const std::string path = (folder / "a.png").string();
  const auto message = [&](const Tensor& x, const std::string& to) {
    return message_of<InvalidArgument>(
        [&] { save_img(to, x, {.scale = false}); });
  };
  CHECK(
      message(Tensor(DType::f32, {2, 2}), path) ==
      "[save_img " + path +
          "] expected numbers [height, width, 1, 3 or 4], got f32[2,2]");
  CHECK(
      message(Tensor::full(DType::f32, {2, 2, 1}, 256), path) ==
      "[save_img " + path +
          "] expected values from 0 to 255 with scale = false, got 256");
  CHECK(
      message(Tensor(DType::f32, {2, 2, 1}), "a.tiff") ==
      "[save_img a.tiff] expected file_format png or jpeg, got \"tiff\"");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("Pictures become arrays and arrays pictures, as in Keras") {
  const Tensor picture(
      std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
      {2, 2, 3});
  const Tensor array = img_to_array(picture);
  CHECK(array == picture.cast(DType::f32));
  const Tensor first = img_to_array(picture, {.data_format = "channels_first"});
  CHECK(
      first == Tensor(
                   std::vector<float>{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12},
                   {3, 2, 2}));
  CHECK(
      array_to_img(first, {.data_format = "channels_first", .scale = false}) ==
      picture);
  const Tensor grey(std::vector<std::uint8_t>{0, 9}, {1, 2});
  CHECK(img_to_array(grey, {.dtype = DType::f64}).shape() == Shape{1, 2, 1});
  // Stretched as save_img stretches it.
  CHECK(
      array_to_img(Tensor(std::vector<double>{-1, 0, 1, 3}, {2, 2, 1})) ==
      Tensor(std::vector<std::uint8_t>{0, 63, 127, 255}, {2, 2, 1}));
  CHECK(
      message_of<InvalidArgument>(
          [] { img_to_array(Tensor(DType::f32, {2})); }) ==
      "[img_to_array] expected numbers [height, width] or [height, width, "
      "channels], got f32[2]");
  CHECK(
      message_of<InvalidArgument>([] {
        array_to_img(Tensor(DType::f32, {2, 2, 2}));
      }) ==
      "[array_to_img] expected numbers [height, width, 1, 3 or 4], got "
      "f32[2,2,2]");
  CHECK(
      message_of<InvalidArgument>(
          [&] { array_to_img(picture, {.data_format = "first"}); }) ==
      "[array_to_img] expected data_format channels_last or channels_first, "
      "got \"first\"");
}

}  // namespace keratin

// Pictures that a CSV file lists, and smaller ones of large JPEGs.

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>
#include <keratin/image.hpp>

#include "src/io/image_codec.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::Element;
using testing::message_of;
using testing::TempDir;
using utils::ImageListOptions;

namespace {

/// 0.png to 5.png, each of one brightness: ten times its number.
void write_pictures(const TempDir& folder) {
  for (int i = 0; i < 6; ++i) {
    utils::save_img(
        (folder / (std::to_string(i) + ".png")).string(),
        Tensor(
            std::vector<std::uint8_t>(
                4 * 4 * 3, static_cast<std::uint8_t>(10 * i)),
            {4, 4, 3}),
        {.scale = false});
  }
}

ImageListOptions plain() {
  ImageListOptions options;
  options.images.image_size = {4, 4};
  options.images.batch_size.reset();
  options.images.shuffle = false;
  options.images.verbose = false;
  return options;
}

}  // namespace

TEST_CASE("A list's texts and whole numbers are classes") {
  const TempDir folder;
  write_pictures(folder);
  const std::string list = (folder / "list.csv").string();
  testing::write_file(
      list, "file;what\n2.png;dog\n0.png;cat\n5.png;dog\n3.png;eel\n");
  const auto pictures = utils::image_dataset_from_list(list, plain());
  CHECK(
      pictures.class_names() == std::vector<std::string>{"cat", "dog", "eel"});
  std::vector<double> seen;
  std::vector<int> labels;
  for (const Element& element : pictures) {
    CHECK(element.x.tensors()[0].shape() == Shape{4, 4, 3});
    seen.push_back(element.x.tensors()[0].at(0));
    labels.push_back(element.y.tensors()[0].item<int>());
  }
  CHECK(seen == std::vector<double>{20, 0, 50, 30});
  CHECK(labels == std::vector<int>{1, 0, 1, 2});

  testing::write_file(list, "label,path\n3,1.png\n1,4.png\n");
  ImageListOptions options = plain();
  options.path_column = "path";
  options.label_column = "label";
  options.images.label_mode = "categorical";
  const auto numbers = utils::image_dataset_from_list(list, options);
  const Element first = *numbers.begin();
  CHECK(first.y.tensors()[0] == Tensor(std::vector<float>{0, 0, 0, 1}));

  testing::write_file(list, "path,size\n1.png,0.5\n4.png,-2\n");
  options = plain();
  options.images.label_mode = "float";
  const auto sizes = utils::image_dataset_from_list(list, options);
  CHECK((*sizes.begin()).y.tensors()[0].item<float>() == 0.5F);
  options.images.label_mode = "int";
  CHECK(
      message_of<InvalidArgument>(
          [&] { utils::image_dataset_from_list(list, options); })
          .find("row 1: expected a whole number >= 0 as a class in column "
                "'size', got 0.5") != std::string::npos);

  testing::write_file(list, "path\n1.png\n");
  CHECK((*utils::image_dataset_from_list(list, plain()).begin()).y.empty());
}

TEST_CASE("A list is split and shuffled as folders are") {
  const TempDir folder;
  write_pictures(folder);
  const std::string list = (folder / "list.csv").string();
  std::string text = "path,label\n";
  for (int i = 0; i < 6; ++i) {
    text += std::to_string(i) + ".png," + std::to_string(i) + "\n";
  }
  testing::write_file(list, text);
  ImageListOptions options = plain();
  options.images.shuffle = true;
  options.images.seed = 5;
  options.images.validation_split = 0.34;
  const auto [train, validation] =
      utils::image_datasets_from_list(list, options);
  CHECK(train.file_paths().size() == 4);
  CHECK(validation.file_paths().size() == 2);
  for (const Element& element : train.concatenate(validation)) {
    CHECK(
        element.x.tensors()[0].at(0) ==
        10 * element.y.tensors()[0].item<int>());
  }
}

TEST_CASE("Files of a list that are damaged or missing are named or skipped") {
  const TempDir folder;
  write_pictures(folder);
  const std::string list = (folder / "list.csv").string();
  testing::write_file(folder / "1.png", "not a picture");
  testing::write_file(list, "path,label\n0.png,0\n1.png,0\n2.png,1\n");
  ImageListOptions options = plain();
  CHECK(
      message_of<InvalidArgument>([&] {
        for (const auto& e : utils::image_dataset_from_list(list, options)) {
          (void)e;
        }
      }).find("1.png: expected a JPEG, PNG, GIF or BMP picture") !=
      std::string::npos);
  options.images.on_error = "skip";
  const auto some = utils::image_dataset_from_list(list, options);
  int count = 0;
  for (const Element& element : some) count += element.y.empty() ? 0 : 1;
  CHECK(count == 2);
  CHECK(some.skipped().size() == 1);
  testing::write_file(list, "path,label\n0.png,0\n7.png,0\n2.png,1\n");
  const auto there = utils::image_dataset_from_list(list, options);
  for (const Element& element : there) count += element.y.empty() ? 0 : 1;
  CHECK(count == 4);
  REQUIRE(there.skipped().size() == 1);
  CHECK(
      there.skipped()[0].find("open failed: No such file") !=
      std::string::npos);
}

TEST_CASE("Large JPEGs are decoded smaller when that is asked for") {
  const auto file = testing::read_file(testing::fixture("images/fine.jpg"));
  const auto decode = [&](std::optional<std::array<std::int64_t, 2>> least) {
    return io::decode_image(
        io::as_bytes(file),
        io::ImageChannels::rgb,
        "[x]",
        io::DecodeAs::tensorflow,
        least);
  };
  const Shape whole = decode({}).shape();
  const std::int64_t height = whole[0];
  const std::int64_t width = whole[1];
  CHECK(decode({{height, width}}).shape() == whole);
  CHECK(decode({{height * 2, width}}).shape() == whole);
  const Shape half = decode({{height / 2, width / 2}}).shape();
  CHECK(half[0] >= height / 2);
  CHECK(half[0] <= height / 2 + 1);
  const Shape tiny = decode({{1, 1}}).shape();
  CHECK(tiny[0] == (height + 7) / 8);

  const TempDir folder;
  std::filesystem::create_directory(folder / "a");
  testing::write_file(folder / "a/fine.jpg", file);
  const auto load = [&](bool scaled) {
    return *(*utils::image_dataset_from_directory(
                  folder.path().string(),
                  {.batch_size = {},
                   .image_size = {height / 4, width / 4},
                   .verbose = false,
                   .scaled_decoding = scaled})
                  .begin())
                .x.tensors()
                .begin();
  };
  const Tensor plain = load(false);
  const Tensor scaled = load(true);
  CHECK(plain.shape() == scaled.shape());
  double difference = 0;
  for (std::int64_t i = 0; i < plain.size(); ++i) {
    difference += std::abs(plain.at(i) - scaled.at(i));
  }
  CHECK(difference > 0);  // other pixels, of the same picture
  CHECK(difference / static_cast<double>(plain.size()) < 60);
}

}  // namespace keratin

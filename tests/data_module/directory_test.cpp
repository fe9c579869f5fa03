#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "src/core/log.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace fs = std::filesystem;
using data::Dataset;
using data::Element;
using testing::fixture;
using testing::message_of;
using testing::TempDir;
using testing::write_file;
using utils::image_dataset_from_directory;
using utils::ImageDatasetOptions;

namespace {

using Names = std::vector<std::string>;

const std::map<std::string, Names> kFiles = {
    {"cat", {"colour.png", "fine.jpg", "grey.png"}},
    {"dog", {"colour.bmp", "palette.png"}},
    {"eel", {"colour.gif", "grey.jpg", "one_bit.png", "progressive.jpg"}}};

const std::map<std::string, std::array<std::int64_t, 2>> kSizes = {
    {"small", {4, 5}}, {"large", {20, 17}}, {"tall", {12, 3}}};

/// The folder that make_directory_fixtures.py made.
void fill_pictures(const TempDir& folder) {
  for (const auto& [name, files] : kFiles) {
    fs::create_directory(folder / name);
    for (const std::string& file : files) {
      fs::copy_file(fixture("images/" + file), folder / name / file);
    }
  }
  fs::create_directory(folder / ".hidden");
  write_file(folder / "readme.txt", "no picture");
}

std::map<std::string, Tensor> expected() {
  return io::load_npz(fixture("images/directory.npz").string());
}

/// x of all elements joined, as batches.
Tensor all_x(const Dataset& dataset) {
  std::vector<Tensor> parts;
  for (const Element& element : dataset) {
    parts.push_back(element.x.tensors()[0]);
  }
  return concatenate(parts);
}

Tensor all_y(const Dataset& dataset) {
  std::vector<Tensor> parts;
  for (const Element& element : dataset) {
    parts.push_back(element.y.tensors()[0]);
  }
  return concatenate(parts);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  CHECK(a.dtype() == b.dtype());
  double largest = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a.at(i) - b.at(i)));
  }
  return largest;
}

ImageDatasetOptions quiet() {
  return {.shuffle = false, .verbose = false};
}

}  // namespace

TEST_CASE("Pictures of a folder come resized as TensorFlow resizes them") {
  const TempDir folder;
  fill_pictures(folder);
  int cases = 0;
  for (const auto& entry : expected()) {
    const auto& key = entry.first;
    const auto& pictures = entry.second;
    if (key.starts_with("split") || key.starts_with("timeseries")) continue;
    CAPTURE(key);
    const auto slash = key.find('/');
    const auto next = key.find('/', slash + 1);
    ImageDatasetOptions options = quiet();
    options.interpolation = key.substr(0, slash);
    options.image_size = kSizes.at(key.substr(slash + 1, next - slash - 1));
    options.crop_to_aspect_ratio = key.ends_with("/crop");
    options.pad_to_aspect_ratio = key.ends_with("/pad");
    const Tensor x =
        all_x(image_dataset_from_directory(folder.path().string(), options));
    // The second of the three is a JPEG.
    CHECK(largest_difference(x.slice(0, 3), pictures) < 2e-3);
    ++cases;
  }
  CHECK(cases == 66);
}

TEST_CASE("Folders are classes, in alphanumeric order") {
  const TempDir folder;
  fill_pictures(folder);
  ImageDatasetOptions options = quiet();
  options.image_size = {2, 2};
  const std::string path = folder.path().string();
  const auto dataset = image_dataset_from_directory(path, options);
  CHECK(dataset.class_names() == Names{"cat", "dog", "eel"});
  CHECK(dataset.file_paths().size() == 9);
  CHECK(dataset.file_paths()[0] == path + "/cat/colour.png");
  CHECK(
      all_y(dataset) ==
      Tensor(std::vector<std::int32_t>{0, 0, 0, 1, 1, 2, 2, 2, 2}));
  options.class_names = {"eel", "dog"};
  options.label_mode = "binary";
  const auto two = image_dataset_from_directory(path, options);
  CHECK(all_y(two) == Tensor(std::vector<float>{0, 0, 0, 0, 1, 1}, {6, 1}));
  options.label_mode = "categorical";
  CHECK(
      all_y(image_dataset_from_directory(path, options)).shape() ==
      Shape{6, 2});
  options = quiet();
  options.labels = "none";
  const auto unlabelled = image_dataset_from_directory(path, options);
  CHECK(unlabelled.class_names().empty());
  CHECK(unlabelled.iterate().next()->y.empty());
  options = quiet();
  options.label_list = {5, 6, 5, 6, 5, 6, 5, 6, 5};
  const auto listed = image_dataset_from_directory(path, options);
  CHECK(listed.class_names() == Names{"5", "6"});
  CHECK(all_y(listed).at(1) == 6);
}

TEST_CASE("The split for a seed is the one that Keras makes") {
  const TempDir folder;
  fill_pictures(folder);
  const auto arrays = expected();
  const ImageDatasetOptions options = {
      .image_size = {2, 2},
      .seed = 123,
      .validation_split = 0.3,
      .verbose = false};
  const auto [training, validation] =
      utils::image_datasets_from_directory(folder.path().string(), options);
  const auto relative = [&](const Names& paths) {
    Names out;
    for (const std::string& path : paths) {
      out.push_back(path.substr(folder.path().string().size() + 1));
    }
    return Tensor(out);
  };
  CHECK(relative(training.file_paths()) == arrays.at("split/training"));
  CHECK(relative(validation.file_paths()) == arrays.at("split/validation"));
  ImageDatasetOptions one = options;
  one.subset = "validation";
  const auto same = image_dataset_from_directory(folder.path().string(), one);
  CHECK(same.file_paths() == validation.file_paths());
}

TEST_CASE("Epochs are shuffled, targets stay with their pictures") {
  const TempDir folder;
  fill_pictures(folder);
  const auto dataset = image_dataset_from_directory(
      folder.path().string(),
      {.batch_size = {}, .image_size = {1, 1}, .seed = 4, .verbose = false});
  const auto epoch = [&](std::int64_t number) {
    std::vector<std::pair<double, double>> out;
    auto it = dataset.iterate(number);
    while (auto e = it.next()) {
      out.emplace_back(e->x.tensors()[0].at(0), e->y.tensors()[0].at(0));
    }
    return out;
  };
  auto first = epoch(0);
  auto second = epoch(1);
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == second);
}

TEST_CASE("A damaged picture names itself, or is skipped when asked") {
  const TempDir folder;
  fill_pictures(folder);
  write_file(folder / "cat" / "broken.jpg", "GIF89a");
  ImageDatasetOptions options = quiet();
  options.image_size = {2, 2};
  const std::string path = folder.path().string();
  const std::string message = message_of<InvalidArgument>(
      [&] { all_x(image_dataset_from_directory(path, options)); });
  CHECK(
      message.find(
          "[dataset map] element 0: " + path + "/cat/broken.jpg: GIF") !=
      std::string::npos);
  options.on_error = "skip";
  const auto dataset = image_dataset_from_directory(path, options);
  CHECK(all_x(dataset).shape()[0] == 9);
  REQUIRE(dataset.skipped().size() == 1);
  CHECK(dataset.skipped()[0].find("broken.jpg") != std::string::npos);
}

TEST_CASE("Folders and arguments that do not fit say what was expected") {
  const TempDir folder;
  fill_pictures(folder);
  const std::string path = folder.path().string();
  const auto message = [&](const ImageDatasetOptions& options) {
    return message_of<InvalidArgument>(
        [&] { image_dataset_from_directory(path, options); });
  };
  constexpr const char* kWho = "[image_dataset_from_directory] ";
  CHECK(
      message({.label_mode = "binary", .verbose = false}) ==
      std::string(kWho) +
          "label_mode \"binary\" needs 2 classes, got 3: cat, dog, eel");
  CHECK(
      message({.class_names = {"cow"}}) ==
      std::string(kWho) + "class_names: expected folders of " + path +
          " (cat, dog, eel), got \"cow\"");
  CHECK(
      message({.validation_split = 0.2, .subset = "training"}) ==
      std::string(kWho) +
          "needs a seed to split shuffled files, so that the parts do not "
          "overlap");
  CHECK(
      message({.seed = 1, .validation_split = 0.2}) ==
      std::string(kWho) + "needs validation_split and subset together");
  CHECK(
      message({.interpolation = "cubic"}) ==
      std::string(kWho) +
          "expected interpolation to be one of nearest, bilinear, bicubic, "
          "area, lanczos3, lanczos5, gaussian, mitchellcubic, got \"cubic\"");
  CHECK(
      message({.verbose = false, .label_list = {1, 2}}) ==
      std::string(kWho) + "expected a label for each of the 9 files, got 2");
  const TempDir empty;
  CHECK(message_of<InvalidArgument>([&] {
          image_dataset_from_directory(empty.path().string());
        }).find("found no pictures in") != std::string::npos);
  CHECK(message_of<SystemError>([] {
          image_dataset_from_directory("/nowhere");
        }).find("/nowhere") != std::string::npos);
}

TEST_CASE("Grey pictures are TensorFlow's to the last bit") {
  const auto arrays = io::load_npz(fixture("images/grey.npz").string());
  CHECK(arrays.size() == 8);
  for (const auto& entry : arrays) {
    const auto& name = entry.first;
    const auto& grey = entry.second;
    CAPTURE(name);
    const TempDir folder;
    fs::copy_file(fixture("images/" + name), folder / name);
    ImageDatasetOptions options = quiet();
    options.labels = "none";
    options.batch_size = std::nullopt;
    options.color_mode = "grayscale";
    options.interpolation = "nearest";
    options.image_size = {grey.shape()[0], grey.shape()[1]};
    const auto picture =
        image_dataset_from_directory(folder.path().string(), options)
            .begin()
            .next();
    CHECK(picture->x.tensors()[0] == grey);
  }
}

namespace {

/// Another user than root, who may read everything, for a scope.
class AsNobody {
 public:
  AsNobody() {
    if (geteuid() == 0) REQUIRE(seteuid(65534) == 0);
  }

  ~AsNobody() { (void)seteuid(getuid()); }

  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
};

utils::TextDatasetOptions all_texts(bool follow_links) {
  return {
      .labels = "none",
      .shuffle = false,
      .follow_links = follow_links,
      .verbose = false};
}

}  // namespace

TEST_CASE("Folders that may not be read are left out with a warning") {
  const TempDir folder;
  fs::permissions(folder.path(), fs::perms::all);
  fs::create_directories(folder / "open" / "closed");
  write_file(folder / "open" / "a.txt", "a");
  write_file(folder / "open" / "closed" / "b.txt", "b");
  fs::permissions(folder / "open" / "closed", fs::perms::none);
  {
    const AsNobody nobody;
    const LogCapture log;
    const auto texts = utils::text_dataset_from_directory(
        folder.path().string(), all_texts(false));
    CHECK(texts.file_paths() == Names{(folder / "open" / "a.txt").string()});
    CHECK(log.contains(
        "[text_dataset_from_directory] folder " +
        (folder / "open" / "closed").string() + ": Permission denied"));
    // The folder that was asked for is an error.
    CHECK(
        message_of<SystemError>([&] {
          utils::text_dataset_from_directory(
              (folder / "open" / "closed").string(), all_texts(false));
        }) ==
        "[text_dataset_from_directory] cannot read folder " +
            (folder / "open" / "closed").string() +
            ": Permission denied; give a folder that exists and may be read");
  }
  fs::permissions(folder / "open" / "closed", fs::perms::all);
}

TEST_CASE("Links to nowhere and in circles do not stop the walk") {
  const TempDir folder;
  const TempDir elsewhere;
  fs::create_directory(folder / "a");
  write_file(folder / "a" / "one.txt", "1");
  write_file(elsewhere / "two.txt", "2");
  fs::create_symlink(folder / "nothing", folder / "a" / "broken");
  fs::create_symlink("self", folder / "a" / "self");
  fs::create_directory_symlink(folder.path(), folder / "a" / "up");
  fs::create_directory_symlink(elsewhere.path(), folder / "a" / "x");
  fs::create_directory_symlink(elsewhere.path(), folder / "a" / "y");
  const auto paths = [&](bool follow_links) {
    return utils::text_dataset_from_directory(
               folder.path().string(), all_texts(follow_links))
        .file_paths();
  };
  const std::string one = (folder / "a" / "one.txt").string();
  CHECK(paths(false) == Names{one});
  const LogCapture log;
  CHECK(
      paths(true) == Names{
                         one,
                         (folder / "a" / "x" / "two.txt").string(),
                         (folder / "a" / "y" / "two.txt").string()});
  CHECK(log.contains(
      "folder " + (folder / "a" / "up").string() + ": a link back to "));
  // As in Keras, a file that is not there is found out when it is read.
  fs::create_symlink(folder / "nothing", folder / "a" / "gone.txt");
  const auto texts = utils::text_dataset_from_directory(
      folder.path().string(), all_texts(false));
  CHECK(texts.file_paths().size() == 2);
  CHECK(message_of<SystemError>([&] {
          all_x(texts);
        }).find((folder / "a" / "gone.txt").string()) != std::string::npos);
}

TEST_CASE("Texts of a folder come whole, or cut") {
  const TempDir folder;
  fs::create_directories(folder / "neg" / "deep");
  fs::create_directory(folder / "pos");
  write_file(folder / "neg" / "deep" / "b.txt", "bad\n");
  write_file(folder / "neg" / "a.txt", "worse");
  write_file(folder / "pos" / "c.txt", "");
  const std::string path = folder.path().string();
  const auto dataset = utils::text_dataset_from_directory(
      path, {.shuffle = false, .verbose = false});
  CHECK(all_x(dataset) == Tensor(Names{"worse", "bad\n", ""}));
  CHECK(all_y(dataset) == Tensor(std::vector<std::int32_t>{0, 0, 1}));
  CHECK(
      all_x(utils::text_dataset_from_directory(
          path, {.max_length = 2, .shuffle = false, .verbose = false})) ==
      Tensor(Names{"wo", "ba", ""}));
}

TEST_CASE("Windows of a time series are Keras's") {
  const auto arrays = expected();
  std::vector<float> values(60);
  for (std::size_t i = 0; i < 60; ++i) values[i] = static_cast<float>(i);
  std::vector<std::int64_t> targets(30);
  for (std::size_t i = 0; i < 30; ++i) {
    targets[i] = 100 + static_cast<std::int64_t>(i);
  }
  const Dataset windows = utils::timeseries_dataset_from_array(
      Tensor(values, {30, 2}),
      Tensor(targets),
      4,
      {.sequence_stride = 3,
       .sampling_rate = 2,
       .batch_size = 5,
       .start_index = 2,
       .end_index = 27});
  CHECK(all_x(windows) == arrays.at("timeseries/x"));
  CHECK(all_y(windows) == arrays.at("timeseries/y"));
  CHECK(windows.cardinality() == arrays.at("timeseries/batches").shape()[0]);
  CHECK(
      message_of<InvalidArgument>([&] {
        utils::timeseries_dataset_from_array(
            Tensor(values), {}, 3, {.end_index = 60});
      }) ==
      "[timeseries_dataset_from_array] expected end_index from 1 to 59, got "
      "60");
}

}  // namespace keratin

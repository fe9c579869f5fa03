#include "src/experiment/image_directory.hpp"

#include <filesystem>
#include <utility>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/experiment/csv_data.hpp"

namespace keratin::experiment {

namespace {

namespace fs = std::filesystem;

}  // namespace

using utils::DirectoryDataset;
using utils::ImageDatasetOptions;

ImageDatasetOptions image_options(const PicturesSection& section) {
  ImageDatasetOptions out;
  out.label_mode = section.label_mode;
  out.class_names = section.class_names;
  out.color_mode = section.color_mode;
  out.batch_size = section.batch_size;
  out.image_size = {section.image_size[0], section.image_size[1]};
  out.shuffle = section.shuffle;
  if (section.seed) out.seed = static_cast<std::uint32_t>(*section.seed);
  out.interpolation = section.interpolation;
  out.follow_links = section.follow_links;
  out.crop_to_aspect_ratio = section.crop_to_aspect_ratio;
  out.pad_to_aspect_ratio = section.pad_to_aspect_ratio;
  out.data_format = section.data_format;
  out.on_error = section.on_error;
  out.scaled_decoding = section.scaled_decoding;
  // What is kept are single pictures, so that every pass shuffles them anew.
  if (section.cache) out.batch_size.reset();
  return out;
}

DataPart pictures_part(
    const PicturesSection& section,
    const DirectoryDataset& pictures,
    bool shuffle) {
  DataPart out;
  out.batches = pictures;
  out.skipped = [pictures] { return pictures.skipped(); };
  if (!section.cache) return out;
  data::Dataset kept = pictures.cache();
  if (shuffle) {
    const auto count = static_cast<std::int64_t>(pictures.file_paths().size());
    data::ShuffleOptions options;
    if (section.seed) options.seed = static_cast<std::uint64_t>(*section.seed);
    kept = kept.shuffle(count, options);
  }
  out.batches = kept.batch(section.batch_size).prefetch(data::kAutotune);
  return out;
}

void check_image_directories(
    const ImageDatasetSection& section,
    const std::string& folder,
    const std::string& where) {
  const auto check = [&](const std::string& path, const char* key) {
    const std::string full = resolve(folder, path);
    if (fs::is_directory(full)) return;
    throw InvalidArgument(format(
        "[{}.{}] expected a folder that can be read, got '{}'",
        where,
        key,
        full));
  };
  check(section.directory, "directory");
  if (section.validation_directory) {
    check(*section.validation_directory, "validation_directory");
  }
  if (section.test_directory) check(*section.test_directory, "test_directory");
}

ExperimentData open_image_directories(
    const ImageDatasetSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose) {
  ImageDatasetOptions options = image_options(section);
  options.verbose = verbose;
  ExperimentData out;
  try {
    const std::string train = resolve(folder, section.directory);
    options.validation_split = section.validation_split;
    if (section.validation_split && section.subset.value_or("both") == "both") {
      const auto [training, validation] =
          utils::image_datasets_from_directory(train, options);
      options.class_names = training.class_names();
      out.train = pictures_part(section, training, section.shuffle);
      out.validation = pictures_part(section, validation, false);
    } else {
      options.subset = section.subset.value_or("");
      const auto training = utils::image_dataset_from_directory(train, options);
      options.class_names = training.class_names();
      out.train = pictures_part(section, training, section.shuffle);
    }
    options.validation_split.reset();
    options.subset.clear();
    options.shuffle = false;
    const auto open = [&](const std::optional<std::string>& path,
                          DataPart& part) {
      if (!path) return;
      part = pictures_part(
          section,
          utils::image_dataset_from_directory(resolve(folder, *path), options),
          false);
    };
    open(section.validation_directory, out.validation);
    open(section.test_directory, out.test);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  return out;
}

}  // namespace keratin::experiment

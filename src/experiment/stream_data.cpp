#include "src/experiment/stream_data.hpp"

#include <utility>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>
#include <keratin/io/csv_reader.hpp>

#include "src/core/format.hpp"
#include "src/experiment/csv_data.hpp"
#include "src/experiment/image_directory.hpp"

namespace keratin::experiment {

namespace {

/// The features of a CSV file, as one vector.
data::CsvDatasetOptions options_of(
    const CsvSection& section, const std::string& folder) {
  data::CsvDatasetOptions options;
  options.csv = csv_options(section);
  options.target = section.target;
  options.stacked = true;
  options.on_error = section.on_error;
  options.batch_size = section.batch_size;
  std::vector<std::string> names = section.features;
  const io::CsvReader reader(resolve(folder, section.path), options.csv);
  if (names.empty()) {
    for (const std::string& name : reader.columns()) {
      if (name != section.target && !name.empty()) names.push_back(name);
    }
  }
  for (const std::string& name : names)
    options.columns.push_back({.name = name});
  return options;
}

/// The target as class numbers where it holds texts or is said to, else as the
/// numbers it holds.
data::CsvColumn target_of(const CsvSection& section, const std::string& path) {
  data::CsvColumn target{.name = section.target};
  if (!section.classes.empty()) {
    target.kind = "category";
    target.categories = section.classes;
    return target;
  }
  data::CsvDatasetOptions all;
  all.csv = csv_options(section);
  all.on_error = section.on_error;
  const std::vector<data::CsvColumn> found = data::csv_columns(path, all);
  for (const data::CsvColumn& column : found) {
    if (column.name != section.target) continue;
    if (column.kind != "text") return column;
    throw InvalidArgument(format(
        "[csv.target] column '{}' has too many different texts for classes; "
        "list them under csv.classes",
        section.target));
  }
  return target;  // csv_dataset says that there is none
}

DataPart records_of(
    const TfRecordSection& section,
    const std::vector<std::string>& files,
    const std::string& folder,
    std::optional<std::uint64_t> seed) {
  std::vector<std::string> paths;
  for (const std::string& file : files) paths.push_back(resolve(folder, file));
  const data::FileDataset records =
      data::tfrecord_dataset(paths, section.on_error);
  const auto feature_of = [](const TfFeatureSection& feature) {
    return data::TfFeature{
        .name = feature.name,
        .dtype = parse_dtype(feature.dtype),
        .shape = Shape(feature.shape),
        .picture = feature.picture};
  };
  const data::FileDataset parsed = data::parse_tf_examples(
      records,
      {.x = {feature_of(*section.x)},
       .y = {feature_of(*section.y)},
       .on_error = section.on_error,
       .num_parallel_calls = data::kAutotune});
  data::Dataset examples = parsed;
  if (seed) examples = examples.shuffle(section.shuffle_buffer, {.seed = seed});
  DataPart out;
  out.batches = examples.batch(section.batch_size).prefetch(data::kAutotune);
  out.skipped = [records, parsed] {
    std::vector<std::string> all = records.skipped();
    for (std::string& message : parsed.skipped()) {
      all.push_back(std::move(message));
    }
    return all;
  };
  return out;
}

DataPart rows_of(const data::FileDataset& rows) {
  DataPart out;
  out.batches = rows;
  out.skipped = [rows] { return rows.skipped(); };
  return out;
}

}  // namespace

ExperimentData open_image_lists(
    const ImageListSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose) {
  utils::ImageListOptions options;
  options.path_column = section.path_column;
  options.label_column = section.label_column;
  if (section.directory) {
    options.directory = resolve(folder, *section.directory);
  }
  options.images = image_options(section);
  options.images.verbose = verbose;
  utils::ImageDatasetOptions& images = options.images;
  ExperimentData out;
  try {
    const std::string train = resolve(folder, section.path);
    images.validation_split = section.validation_split;
    const bool both = section.subset.value_or("both") == "both";
    std::vector<std::string> classes;
    if (section.validation_split && both) {
      const auto [training, validation] =
          utils::image_datasets_from_list(train, options);
      classes = training.class_names();
      out.train = pictures_part(section, training, section.shuffle);
      out.validation = pictures_part(section, validation, false);
    } else {
      images.subset = section.subset.value_or("");
      const auto training = utils::image_dataset_from_list(train, options);
      classes = training.class_names();
      out.train = pictures_part(section, training, section.shuffle);
    }
    // The class of a text is the same in each part.
    images.class_names = classes;
    images.validation_split.reset();
    images.subset.clear();
    images.shuffle = false;
    const auto open = [&](const std::optional<std::string>& path,
                          DataPart& part) {
      if (!path) return;
      part = pictures_part(
          section,
          utils::image_dataset_from_list(resolve(folder, *path), options),
          false);
    };
    open(section.validation_path, out.validation);
    open(section.test_path, out.test);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  return out;
}

ExperimentData open_records(
    const TfRecordSection& section,
    const std::string& folder,
    std::int64_t seed) {
  ExperimentData out;
  out.train = records_of(
      section, section.files, folder, static_cast<std::uint64_t>(seed));
  if (!section.validation_files.empty()) {
    out.validation = records_of(section, section.validation_files, folder, {});
  }
  if (!section.test_files.empty()) {
    out.test = records_of(section, section.test_files, folder, {});
  }
  return out;
}

ExperimentData stream_csv(
    const CsvSection& section, const std::string& folder, std::int64_t seed) {
  const std::string path = resolve(folder, section.path);
  data::CsvDatasetOptions options = options_of(section, folder);
  options.columns.push_back(target_of(section, path));
  ExperimentData out;
  options.shuffle_buffer = section.shuffle_buffer;
  options.seed = static_cast<std::uint64_t>(seed);
  out.train = rows_of(data::csv_dataset(path, options));
  if (section.test_path) {
    options.shuffle_buffer.reset();
    out.test = rows_of(
        data::csv_dataset(resolve(folder, *section.test_path), options));
  }
  return out;
}

}  // namespace keratin::experiment

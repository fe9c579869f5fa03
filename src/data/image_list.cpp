// Pictures that a CSV file lists.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/file_loading.hpp"
#include "src/io/bytes.hpp"

namespace keratin::utils {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWho = "[image_dataset_from_list]";

/// Classes that a list of numbers may have.
constexpr double kMostClasses = 1 << 20;

std::string column_of(
    const io::Table& table, const std::string& wanted, std::size_t place) {
  if (!wanted.empty()) {
    table.is_numeric(wanted);  // throws for a column that is not there
    return wanted;
  }
  return place < table.columns().size() ? table.columns()[place] : "";
}

/// Whole numbers are classes 0, 1, ...
void read_classes(
    const io::Table& table,
    const std::string& column,
    const std::vector<std::string>& class_names,
    DirectoryIndex& index) {
  if (!table.is_numeric(column) || !class_names.empty()) {
    index.class_names = class_names;
    if (class_names.empty()) {
      const Tensor texts = table.text(column);
      const auto all = texts.data<std::string>();
      index.class_names.assign(all.begin(), all.end());
      std::ranges::sort(index.class_names);
      const auto rest =
          std::unique(index.class_names.begin(), index.class_names.end());
      index.class_names.erase(rest, index.class_names.end());
    }
    const Tensor labels = table.labels(column, index.class_names);
    index.all.labels = labels.to_vector<std::int32_t>();
    return;
  }
  std::int64_t row = 0;
  std::int32_t most = -1;
  const Tensor numbers = table.column(column);
  for (const double value : numbers.data<double>()) {
    ++row;
    if (!(value >= 0) || value >= kMostClasses || value != std::trunc(value)) {
      throw InvalidArgument(format(
          "{} row {}: expected a whole number >= 0 as a class in column {}, "
          "got "
          "{}; numbers of other kinds need label_mode \"float\"",
          kWho,
          row,
          io::quoted(column),
          value));
    }
    index.all.labels.push_back(static_cast<std::int32_t>(value));
    most = std::max(most, index.all.labels.back());
  }
  for (std::int32_t i = 0; i <= most; ++i) {
    index.class_names.push_back(format("{}", i));
  }
}

struct Listed {
  DirectoryArguments arguments;
  DirectoryIndex index;
  Load load;
  bool skip;
};

Listed read_list(
    const std::string& list, const ImageListOptions& options, bool both) {
  Load load = picture_loader(kWho, options.images);
  const io::Table table = io::read_csv(list, options.csv);
  fs::path folder = options.directory;
  if (options.directory.empty()) folder = fs::path(list).parent_path();
  DirectoryArguments arguments =
      picture_arguments(kWho, folder.string(), options.images);
  arguments.listed = true;
  if (both) arguments.subset = "both";
  const std::string paths = column_of(table, options.path_column, 0);
  DirectoryIndex index;
  const Tensor names = table.text(paths);
  for (const std::string& name : names.data<std::string>()) {
    index.all.paths.push_back((folder / name).lexically_normal().string());
  }
  if (index.all.paths.empty()) {
    throw InvalidArgument(
        format("{} expected pictures in {}, got none", kWho, list));
  }
  const std::string labels = column_of(table, options.label_column, 1);
  if (labels.empty() || labels == paths) {
    arguments.labels = "none";
  } else if (arguments.label_mode == "float") {
    index.all.values = table.numeric({labels}, DType::f32).to_vector<float>();
  } else if (arguments.label_mode != "none") {
    read_classes(table, labels, options.images.class_names, index);
  }
  index = index_listed(arguments, std::move(index));
  return {
      std::move(arguments),
      std::move(index),
      std::move(load),
      options.images.on_error == "skip"};
}

}  // namespace

DirectoryDataset image_dataset_from_list(
    const std::string& list, const ImageListOptions& options) {
  if (options.images.subset == "both") {
    throw InvalidArgument(format(
        "{} gives one data set; for subset \"both\" call the function with "
        "\"datasets\" in its name",
        kWho));
  }
  const Listed all = read_list(list, options, false);
  return make_part(
      all.arguments,
      all.index,
      all.arguments.subset,
      all.arguments.shuffle,
      all.load,
      all.skip);
}

std::pair<DirectoryDataset, DirectoryDataset> image_datasets_from_list(
    const std::string& list, const ImageListOptions& options) {
  const Listed all = read_list(list, options, true);
  const auto part = [&](const char* subset, bool shuffle) {
    return make_part(
        all.arguments, all.index, subset, shuffle, all.load, all.skip);
  };
  return {part("training", all.arguments.shuffle), part("validation", false)};
}

}  // namespace keratin::utils

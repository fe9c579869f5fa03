#include "src/experiment/data.hpp"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include <keratin/data/scaler.hpp>
#include <keratin/data/split.hpp>
#include <keratin/datasets.hpp>
#include <keratin/error.hpp>
#include <keratin/io/csv.hpp>
#include <keratin/io/idx.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/names.hpp"
#include "src/experiment/image_directory.hpp"
#include "src/experiment/text_directory.hpp"

namespace keratin::experiment {

namespace {

/// The test part of a data set that has none of its own.
constexpr double kTestShare = 0.2;

std::string resolve(const std::string& folder, const std::string& path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

void check_readable(
    const std::string& folder,
    const std::string& path,
    const std::string& where) {
  const std::string file = resolve(folder, path);
  if (std::filesystem::is_regular_file(file) &&
      ::access(file.c_str(), R_OK) == 0) {
    return;
  }
  throw InvalidArgument(
      format("[{}] expected a file that can be read, got '{}'", where, file));
}

void check_readable(
    const std::string& folder,
    const std::optional<std::string>& path,
    const std::string& where) {
  if (path) check_readable(folder, *path, where);
}

/// Whole numbers as classes, others as they are.
Tensor target_of(const io::Table& table, const CsvSection& section) {
  if (!table.is_numeric(section.target) || !section.classes.empty()) {
    return table.labels(section.target, section.classes);
  }
  const Tensor values = table.column(section.target);
  for (const double value : values.data<double>()) {
    if (std::isnan(value)) {
      throw InvalidArgument(format(
          "[csv] expected a target in every row, got none in some of column "
          "'{}'",
          section.target));
    }
    if (std::floor(value) != value) return values.cast(DType::f32);
  }
  return values.cast(DType::i64);
}

/// A NaN among the features makes every weight NaN at the first step.
void warn_about_missing(
    const std::string& file,
    const Tensor& x,
    const std::vector<std::string>& features) {
  const auto values = x.data<float>();
  const std::size_t columns = features.size();
  std::set<std::size_t> rows;
  std::map<std::string, std::int64_t> missing;  // by column
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) continue;
    rows.insert(i / columns);
    ++missing[features[i % columns]];
  }
  if (rows.empty()) return;
  std::string list;
  int shown = 0;
  for (const auto& [column, count] : missing) {
    if (++shown > 5) {
      list += ", ...";
      break;
    }
    list += format("{}'{}' ({})", list.empty() ? "" : ", ", column, count);
  }
  log_message(
      LogChannel::warning,
      format(
          "[{}] {} of {} rows lack a number (the first: row {}), in {} of {} "
          "columns: {}; they read as NaN, which ends in a NaN loss: fill them "
          "in, leave the rows out, or list other columns under csv.features",
          file,
          rows.size(),
          x.shape()[0],
          *rows.begin() + 1,
          missing.size(),
          columns,
          list));
}

data::Examples read_csv_part(
    const CsvSection& section, const std::string& path) {
  io::CsvOptions options;
  options.header = section.header;
  options.delimiter =
      section.delimiter == "auto" ? '\0' : section.delimiter.at(0);
  const io::Table table = io::read_csv(path, options);
  data::Examples out;
  out.y = target_of(table, section);
  std::vector<std::string> features = section.features;
  if (features.empty()) {
    // All but the target. A text among the numbers is an error, not a reason to
    // go without the column.
    for (const std::string& name : table.columns()) {
      if (name != section.target) features.push_back(name);
    }
  }
  try {
    out.x = table.numeric(features);
  } catch (const InvalidArgument& error) {
    if (!section.features.empty()) throw;
    throw InvalidArgument(
        format("{}; list the columns to use under csv.features", error.what()));
  }
  warn_about_missing(
      std::filesystem::path(path).filename().string(), out.x, features);
  return out;
}

Tensor npz_array(
    const std::map<std::string, Tensor>& arrays,
    const std::string& name,
    const std::string& where) {
  const auto found = arrays.find(name);
  if (found != arrays.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, value] : arrays) names.push_back(known);
  throw InvalidArgument(format(
      "[{}] the file has no array '{}'{}",
      where,
      name,
      did_you_mean(name, names)));
}

ExperimentData from_csv(const CsvSection& section, const std::string& folder) {
  ExperimentData out;
  out.train = read_csv_part(section, resolve(folder, section.path));
  if (section.test_path) {
    out.test = read_csv_part(section, resolve(folder, *section.test_path));
  }
  return out;
}

ExperimentData from_npz(
    const NpzSection& section,
    const std::string& folder,
    const std::string& where) {
  const auto arrays = io::load_npz(resolve(folder, section.path));
  ExperimentData out;
  out.train.x = npz_array(arrays, section.x, where + ".x");
  out.train.y = npz_array(arrays, section.y, where + ".y");
  if (section.x_test) {
    out.test.x = npz_array(arrays, *section.x_test, where + ".x_test");
    out.test.y = npz_array(arrays, *section.y_test, where + ".y_test");
  } else if (
      section.x == "x_train" && section.y == "y_train" &&
      arrays.contains("x_test") && arrays.contains("y_test")) {
    out.test = data::Examples{arrays.at("x_test"), arrays.at("y_test")};
  }
  return out;
}

ExperimentData from_idx(const IdxSection& section, const std::string& folder) {
  ExperimentData out;
  out.train.x = io::load_idx(resolve(folder, section.x));
  out.train.y = io::load_idx(resolve(folder, section.y));
  if (section.x_test) {
    out.test.x = io::load_idx(resolve(folder, *section.x_test));
    out.test.y = io::load_idx(resolve(folder, *section.y_test));
  }
  return out;
}

ExperimentData from_name(const std::string& name) {
  const auto both = [](data::TrainTest parts) {
    ExperimentData out;
    out.train = std::move(parts.train);
    out.test = std::move(parts.test);
    return out;
  };
  if (name == "mnist") return both(datasets::mnist());
  if (name == "fashion_mnist") return both(datasets::fashion_mnist());
  if (name == "cifar10") return both(datasets::cifar10());
  ExperimentData out;
  if (name == "breast_cancer") {
    datasets::LabelledTable table = datasets::breast_cancer();
    out.train = data::Examples{std::move(table.x), std::move(table.y)};
  } else {
    out.train = datasets::digits();
  }
  return out;
}

/// Whether the targets are classes, one a row.
bool are_classes(const Tensor& y) {
  return y.rank() == 1 && !is_floating(y.dtype());
}

void split(
    const DataSection& section, const std::string& where, ExperimentData& out) {
  if (out.has_test()) {
    if (section.test_size) {
      throw InvalidArgument(format(
          "[{}.test_size] expected nothing for data with a test part of their "
          "own, got {}",
          where,
          *section.test_size));
    }
    return;
  }
  const double share =
      section.test_size.value_or(section.name ? kTestShare : 0.0);
  if (share == 0) return;
  data::SplitOptions options;
  options.test_size = share;
  options.seed = static_cast<std::uint64_t>(section.seed);
  options.shuffle = section.shuffle;
  options.stratify =
      section.stratify.value_or(section.shuffle && are_classes(out.train.y));
  data::TrainTest parts;
  try {
    parts = data::train_test_split(out.train.x, out.train.y, options);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
  out.train = std::move(parts.train);
  out.test = std::move(parts.test);
}

void encode(ExperimentData& out) {
  Tensor all = out.train.y;
  if (out.has_test()) {
    const std::vector<Tensor> parts = {out.train.y, out.test.y};
    all = concatenate(parts);
  }
  const Tensor encoded = utils::to_categorical(all).cast(DType::f32);
  const std::int64_t rows = out.train.y.shape()[0];
  out.train.y = encoded.slice(0, rows);
  if (out.has_test()) out.test.y = encoded.slice(rows, encoded.shape()[0]);
}

}  // namespace

void check_data_files(
    const DataSection& section,
    const std::string& folder,
    const std::string& where) {
  if (section.csv) {
    const std::string path = where + ".csv";
    check_readable(folder, section.csv->path, path + ".path");
    check_readable(folder, section.csv->test_path, path + ".test_path");
  }
  if (section.npz) check_readable(folder, section.npz->path, where + ".npz");
  if (section.idx) {
    const std::string path = where + ".idx";
    check_readable(folder, section.idx->x, path + ".x");
    check_readable(folder, section.idx->y, path + ".y");
    check_readable(folder, section.idx->x_test, path + ".x_test");
    check_readable(folder, section.idx->y_test, path + ".y_test");
  }
  if (section.images) {
    check_image_directories(
        *section.images, folder, where + ".image_dataset_from_directory");
  }
  if (section.text_directory) {
    const auto& texts = *section.text_directory;
    const std::string path = where + ".text_directory";
    check_text_directory(resolve(folder, texts.path), path + ".path");
    if (texts.test_path) {
      check_text_directory(resolve(folder, *texts.test_path), path);
    }
  }
}

ExperimentData load_data(
    const DataSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose) {
  check_data_files(section, folder, where);
  if (section.images) {
    return open_image_directories(
        *section.images,
        folder,
        where + ".image_dataset_from_directory",
        verbose);
  }
  ExperimentData out;
  if (section.csv) {
    out = from_csv(*section.csv, folder);
  } else if (section.npz) {
    out = from_npz(*section.npz, folder, where + ".npz");
  } else if (section.idx) {
    out = from_idx(*section.idx, folder);
  } else if (section.text_directory) {
    const auto& texts = *section.text_directory;
    const std::string path = where + ".text_directory";
    out.train =
        read_text_directory(resolve(folder, texts.path), texts.classes, path);
    if (texts.test_path) {
      out.test = read_text_directory(
          resolve(folder, *texts.test_path), texts.classes, path);
    }
  } else {
    out = from_name(*section.name);
  }
  split(section, where, out);
  if (section.one_hot) encode(out);
  if (section.standardize) {
    if (out.train.x.dtype() == DType::string) {
      throw InvalidArgument(format(
          "[{}.standardize] expected numbers, got texts; TextVectorization has "
          "an argument of that name",
          where));
    }
    data::StandardScaler scaler;
    out.train.x = scaler.fit_transform(out.train.x);
    if (out.has_test()) out.test.x = scaler.transform(out.test.x);
  }
  return out;
}

}  // namespace keratin::experiment

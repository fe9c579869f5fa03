#include "src/experiment/csv_data.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/names.hpp"
#include "src/io/csv_parser.hpp"

namespace keratin::experiment {

std::string resolve(const std::string& folder, const std::string& path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

io::CsvOptions csv_options(const CsvSection& section) {
  io::CsvOptions options;
  options.header = section.header;
  options.delimiter =
      section.delimiter == "auto" ? '\0' : section.delimiter.at(0);
  if (!section.missing.empty()) options.missing = section.missing;
  return options;
}

namespace {

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
          "columns: {}; they read as NaN, which ends in a NaN loss: say "
          "data.impute, "
          "leave the rows out, or list other columns under csv.features",
          file,
          rows.size(),
          x.shape()[0],
          *rows.begin() + 1,
          missing.size(),
          columns,
          list));
}

/// Makes NaN of what means no value in one column alone.
void mark_missing(
    const CsvSection& section,
    const io::Table& table,
    const std::vector<std::string>& features,
    Tensor& x) {
  if (section.missing_values.is_null()) return;
  auto values = x.mutable_data<float>();
  for (const auto& [column, texts] : section.missing_values.as_object()) {
    const auto found = std::ranges::find(features, column);
    if (found == features.end()) {
      throw InvalidArgument(format(
          "[csv.missing_values] no feature is called '{}'{}",
          column,
          did_you_mean(column, features)));
    }
    std::set<std::string, std::less<>> none;
    for (const Config& text : texts.as_array()) none.insert(text.as_string());
    const Tensor fields = table.text(column);
    auto at = static_cast<std::size_t>(found - features.begin());
    for (const std::string& field : fields.data<std::string>()) {
      if (none.contains(io::trimmed(field))) {
        values[at] = std::numeric_limits<float>::quiet_NaN();
      }
      at += features.size();
    }
  }
}

data::Examples read_part(
    const CsvSection& section, const std::string& path, bool warn) {
  const io::Table table = io::read_csv(path, csv_options(section));
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
  mark_missing(section, table, features, out.x);
  if (warn) {
    warn_about_missing(
        std::filesystem::path(path).filename().string(), out.x, features);
  }
  return out;
}

}  // namespace

ExperimentData read_csv_data(
    const CsvSection& section, const std::string& folder, bool warn) {
  ExperimentData out;
  out.train = read_part(section, resolve(folder, section.path), warn);
  if (section.test_path) {
    out.test = read_part(section, resolve(folder, *section.test_path), warn);
  }
  return out;
}

Tensor read_csv_column(
    const CsvSection& section,
    const std::string& folder,
    const std::string& column) {
  return io::read_csv(resolve(folder, section.path), csv_options(section))
      .text(column);
}

}  // namespace keratin::experiment

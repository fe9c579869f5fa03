// Windows over the rows of a table.

#include <algorithm>
#include <cmath>
#include <utility>

#include <keratin/data/scaler.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/experiment/csv_data.hpp"

namespace keratin::experiment {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw InvalidArgument(format("[{}.timeseries] {}", where, what));
}

/// Puts the number before it in place of each missing one (0 at the start), or
/// refuses.
void fill(
    const std::vector<std::string>& columns,
    bool previous,
    const std::string& where,
    Tensor& table) {
  auto values = table.mutable_data<float>();
  const std::size_t width = columns.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) continue;
    if (!previous) {
      refuse(
          where,
          format(
              "row {} of column '{}' has no value; say \"missing\": "
              "\"previous\" to take the one before",
              i / width + 1,
              columns[i % width]));
    }
    values[i] = i < width ? 0.0F : values[i - width];
  }
}

}  // namespace

ExperimentData read_timeseries(
    const DataSection& section,
    const std::string& folder,
    const std::string& where) {
  const TimeseriesSection& series = *section.timeseries;
  io::CsvOptions options;
  options.delimiter =
      series.delimiter == "auto" ? '\0' : series.delimiter.at(0);
  const io::Table file = io::read_csv(resolve(folder, series.path), options);
  // The target is the last column, whether or not it is a feature, too.
  std::vector<std::string> columns = series.features;
  if (columns.empty()) columns = {series.target};
  const auto features = static_cast<std::int64_t>(columns.size());
  columns.push_back(series.target);
  Tensor table = file.numeric(columns);
  fill(columns, series.missing == "previous", where, table);

  const std::int64_t rows = table.shape()[0];
  const std::int64_t reach =
      (series.sequence_length - 1) * series.sampling_rate + series.horizon;
  if (rows <= reach) {
    refuse(
        where,
        format("expected more than {} rows for a window, got {}", reach, rows));
  }
  const std::int64_t windows = (rows - reach - 1) / series.sequence_stride + 1;
  const double share = section.test_size.value_or(0);
  const auto test = static_cast<std::int64_t>(
      share < 1 ? std::ceil(share * static_cast<double>(windows)) : share);
  if (test >= windows) {
    refuse(
        where,
        format("test_size {} leaves none of {} windows", share, windows));
  }
  const std::int64_t train = windows - test;
  if (section.standardize) {
    // Of the rows that training sees.
    const std::int64_t seen = (train - 1) * series.sequence_stride + reach + 1;
    data::StandardScaler scaler;
    scaler.fit(table.slice(0, seen));
    table = scaler.transform(table);
  }

  Tensor x = Tensor::uninitialized(
      DType::f32, {windows, series.sequence_length, features});
  Tensor y = Tensor::uninitialized(DType::f32, {windows});
  const auto from = table.data<float>();
  const auto row = [&](std::int64_t at) {
    return from.begin() + at * (features + 1);
  };
  auto to = x.mutable_data<float>().begin();
  for (std::int64_t i = 0; i < windows; ++i) {
    const std::int64_t start = i * series.sequence_stride;
    for (std::int64_t step = 0; step < series.sequence_length; ++step) {
      to = std::copy_n(row(start + step * series.sampling_rate), features, to);
    }
    y.mutable_data<float>()[static_cast<std::size_t>(i)] =
        row(start + reach)[features];
  }
  ExperimentData out;
  out.train = data::Examples{x.slice(0, train), y.slice(0, train)};
  if (test > 0) {
    out.test = data::Examples{x.slice(train, windows), y.slice(train, windows)};
  }
  return out;
}

}  // namespace keratin::experiment

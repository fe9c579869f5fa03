#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include <keratin/error.hpp>
#include <keratin/io/csv.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/io/csv_parser.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::io {

struct Table::Impl {
  std::string source;
  CsvCells cells;
  std::vector<std::string> names;
  std::vector<char> numeric;  // by column
  std::set<std::string, std::less<>> missing;

  std::size_t rows() const { return cells.lines.size(); }

  std::string_view cell(std::size_t row, std::size_t column) const {
    return cells.fields[row * names.size() + column];
  }

  bool is_missing(std::string_view field) const {
    return missing.contains(trimmed(field));
  }

  std::size_t index_of(std::string_view name) const {
    const auto it = std::find(names.begin(), names.end(), name);
    if (it == names.end()) {
      throw InvalidArgument(format(
          "[{}] no column is called {}{}",
          source,
          quoted(name),
          did_you_mean(name, names)));
    }
    return static_cast<std::size_t>(it - names.begin());
  }

  double number(std::size_t row, std::size_t column) const {
    const std::string_view field = cell(row, column);
    if (const auto value = parse_number(field)) return *value;
    if (is_missing(field)) return std::numeric_limits<double>::quiet_NaN();
    throw InvalidArgument(format(
        "[{}] line {}: column {} expected a number, got {}",
        source,
        cells.lines[row],
        quoted(names[column]),
        quoted(field)));
  }

  void find_numeric() {
    numeric.assign(names.size(), 1);
    for (std::size_t row = 0; row < rows(); ++row) {
      for (std::size_t column = 0; column < names.size(); ++column) {
        const std::string_view field = cell(row, column);
        if (numeric[column] != 0 && !parse_number(field) &&
            !is_missing(field)) {
          numeric[column] = 0;
        }
      }
    }
  }
};

Table::Table() : impl_(std::make_shared<const Impl>()) {}

Table::~Table() = default;
Table::Table(const Table&) = default;
Table& Table::operator=(const Table&) = default;

std::int64_t Table::rows() const {
  return static_cast<std::int64_t>(impl_->rows());
}

const std::vector<std::string>& Table::columns() const {
  return impl_->names;
}

bool Table::contains(std::string_view column) const {
  const auto& names = impl_->names;
  return std::find(names.begin(), names.end(), column) != names.end();
}

bool Table::is_numeric(std::string_view column) const {
  return impl_->numeric[impl_->index_of(column)] != 0;
}

Tensor Table::column(std::string_view column) const {
  if (is_numeric(column)) {
    return numeric({std::string(column)}, DType::f64).reshape({rows()});
  }
  const std::size_t index = impl_->index_of(column);
  Tensor out(DType::string, {rows()});
  auto texts = out.mutable_data<std::string>();
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const std::string_view field = impl_->cell(row, index);
    if (!impl_->is_missing(field)) texts[row] = std::string(field);
  }
  return out;
}

Tensor Table::text(std::string_view column) const {
  const std::size_t index = impl_->index_of(column);
  Tensor out(DType::string, {rows()});
  auto texts = out.mutable_data<std::string>();
  for (std::size_t row = 0; row < texts.size(); ++row) {
    texts[row] = std::string(impl_->cell(row, index));
  }
  return out;
}

Tensor Table::numeric(
    const std::vector<std::string>& columns, DType dtype) const {
  std::vector<std::size_t> indices;
  for (const auto& name : columns) indices.push_back(impl_->index_of(name));
  Tensor out(DType::f64, {rows(), static_cast<std::int64_t>(columns.size())});
  auto values = out.mutable_data<double>();
  std::size_t at = 0;
  for (std::size_t row = 0; row < impl_->rows(); ++row) {
    for (const std::size_t index : indices) {
      values[at++] = impl_->number(row, index);
    }
  }
  return out.cast(dtype);
}

Tensor Table::numeric_except(
    const std::vector<std::string>& columns, DType dtype) const {
  for (const auto& name : columns) impl_->index_of(name);
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < impl_->names.size(); ++i) {
    const std::string& name = impl_->names[i];
    const bool left_out =
        std::find(columns.begin(), columns.end(), name) != columns.end();
    if (impl_->numeric[i] != 0 && !left_out) wanted.push_back(name);
  }
  return numeric(wanted, dtype);
}

Tensor Table::labels(
    std::string_view column, std::vector<std::string> classes) const {
  const std::size_t index = impl_->index_of(column);
  if (classes.empty()) {
    std::set<std::string_view> distinct;
    for (std::size_t row = 0; row < impl_->rows(); ++row) {
      distinct.insert(impl_->cell(row, index));
    }
    classes.assign(distinct.begin(), distinct.end());
  }
  std::map<std::string_view, std::int64_t> number;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    number.emplace(classes[i], static_cast<std::int64_t>(i));
  }
  Tensor out(DType::i64, {rows()});
  auto values = out.mutable_data<std::int64_t>();
  for (std::size_t row = 0; row < values.size(); ++row) {
    const std::string_view field = impl_->cell(row, index);
    const auto it = number.find(field);
    if (it == number.end()) {
      throw InvalidArgument(format(
          "[{}] line {}: column {} expected one of the {} classes, got {}",
          impl_->source,
          impl_->cells.lines[row],
          quoted(column),
          classes.size(),
          quoted(field)));
    }
    values[row] = it->second;
  }
  return out;
}

Table parse_csv(
    std::string text, const CsvOptions& options, std::string_view source) {
  auto impl = std::make_shared<Table::Impl>();
  impl->source = std::string(source);
  impl->missing.insert(options.missing.begin(), options.missing.end());
  impl->cells = split_csv(std::move(text), options.delimiter, impl->source);
  CsvCells& cells = impl->cells;

  if (options.header) {
    for (std::size_t i = 0; i < cells.width; ++i) {
      impl->names.emplace_back(trimmed(cells.fields[i]));
    }
    std::set<std::string_view> seen;
    for (const std::string& name : impl->names) {
      if (!seen.insert(name).second) {
        throw InvalidArgument(format(
            "[{}] line {}: two columns are called {}",
            source,
            cells.lines[0],
            quoted(name)));
      }
    }
    cells.fields.erase(
        cells.fields.begin(),
        cells.fields.begin() + static_cast<std::ptrdiff_t>(cells.width));
    cells.lines.erase(cells.lines.begin());
  } else {
    for (std::size_t i = 0; i < cells.width; ++i) {
      impl->names.push_back(format("{}", i));
    }
  }
  impl->find_numeric();
  Table out;
  out.impl_ = std::move(impl);
  return out;
}

Table read_csv(const std::string& path, const CsvOptions& options) {
  const SharedBytes file = map_file(path);
  return parse_csv(std::string(as_text(file.bytes)), options, base_name(path));
}

}  // namespace keratin::io

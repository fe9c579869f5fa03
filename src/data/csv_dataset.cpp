#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <keratin/data/sources.hpp>
#include <keratin/error.hpp>
#include <keratin/io/csv_reader.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/data/skip_list.hpp"
#include "src/io/bytes.hpp"
#include "src/io/csv_parser.hpp"
#include "src/io/mapped_file.hpp"

namespace keratin::data {
namespace {

constexpr const char* kWho = "[csv_dataset]";

/// Rows that are read at once.
constexpr std::int64_t kBlock = 1024;

/// Columns of texts with more of them are no categories.
constexpr std::size_t kMostCategories = 100;

[[noreturn]] void fail(const std::string& what) {
  throw InvalidArgument(format("{} {}", kWho, what));
}

/// A column and where it is.
struct Plan {
  CsvColumn column;
  std::size_t index = 0;
  std::map<std::string, std::int64_t, std::less<>> numbers;  // of categories

  bool is_number() const { return column.kind == "number"; }

  bool is_category() const { return column.kind == "category"; }
};

/// What all passes share.
struct Source {
  std::string path;
  CsvDatasetOptions options;
  std::vector<Plan> x;
  std::optional<Plan> y;
  std::shared_ptr<SkipList> skipped;
};

/// What a pass over the file finds out about a column.
struct Seen {
  bool numbers = true;
  std::set<std::string> texts;  // up to one more than kMostCategories
};

std::vector<Seen> look_at(
    const std::string& path, const CsvDatasetOptions& options) {
  io::CsvReader reader(path, options.csv);
  std::vector<Seen> seen;
  std::vector<std::string> fields;
  const bool skip = options.on_error == "skip";
  while (true) {
    try {
      if (!reader.next(fields)) break;
    } catch (const InvalidArgument&) {
      if (!skip) throw;
      continue;
    }
    seen.resize(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (reader.is_missing(fields[i])) continue;
      Seen& column = seen[i];
      column.numbers = column.numbers && io::parse_number(fields[i]);
      if (column.texts.size() <= kMostCategories) {
        column.texts.insert(std::string(io::trimmed(fields[i])));
      }
    }
  }
  seen.resize(reader.columns().size());  // less an empty last name
  return seen;
}

/// All different fields of the columns, in one pass.
void find_categories(
    const std::string& path,
    const CsvDatasetOptions& options,
    const std::vector<Plan*>& wanted) {
  io::CsvReader reader(path, options.csv);
  std::vector<std::set<std::string>> texts(wanted.size());
  std::vector<std::string> fields;
  while (true) {
    try {
      if (!reader.next(fields)) break;
    } catch (const InvalidArgument&) {
      if (options.on_error != "skip") throw;
      continue;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::string& field = fields[wanted[i]->index];
      if (!reader.is_missing(field)) {
        texts[i].insert(std::string(io::trimmed(field)));
      }
    }
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i]->column.categories.assign(texts[i].begin(), texts[i].end());
  }
}

void one_of(
    const char* name,
    const std::string& value,
    std::initializer_list<std::string_view> known) {
  std::string list;
  for (const std::string_view item : known) {
    if (value == item) return;
    list += format("{}{}", list.empty() ? "" : ", ", item);
  }
  fail(format("expected {} to be one of {}, got \"{}\"", name, list, value));
}

void check(const CsvDatasetOptions& options) {
  one_of("missing", options.missing, {"keep", "skip", "raise"});
  check_on_error(kWho, options.on_error);
  for (const CsvColumn& column : options.columns) {
    one_of("the kind of a column", column.kind, {"number", "category", "text"});
    if (column.kind != "number" || column.dtype != DType::string) continue;
    fail(format(
        "column {}: expected a dtype of numbers, got string; texts are of "
        "kind \"text\"",
        io::quoted(column.name)));
  }
}

/// The columns with their places; kinds and categories are found where they
/// are not said.
std::vector<Plan> plan_columns(
    const std::string& path, const CsvDatasetOptions& options) {
  const io::CsvReader reader(path, options.csv);
  std::vector<std::string> names = reader.columns();
  std::vector<CsvColumn> columns = options.columns;
  if (columns.empty()) {
    const std::vector<Seen> seen = look_at(path, options);
    names.resize(seen.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      CsvColumn column{.name = names[i]};
      const bool few = seen[i].texts.size() <= kMostCategories;
      if (!seen[i].numbers) column.kind = few ? "category" : "text";
      if (column.kind == "category") {
        column.categories.assign(seen[i].texts.begin(), seen[i].texts.end());
      }
      columns.push_back(std::move(column));
    }
  }
  std::vector<Plan> plans;
  for (CsvColumn& column : columns) {
    const auto found = std::ranges::find(names, column.name);
    if (found == names.end()) {
      fail(format(
          "no column of {} is called {}{}",
          io::base_name(path),
          io::quoted(column.name),
          did_you_mean(column.name, names)));
    }
    plans.push_back(
        {std::move(column), static_cast<std::size_t>(found - names.begin())});
  }
  std::vector<Plan*> open;
  for (Plan& plan : plans) {
    if (plan.is_category() && plan.column.categories.empty()) {
      open.push_back(&plan);
    }
  }
  if (!open.empty()) find_categories(path, options, open);
  for (Plan& plan : plans) {
    std::int64_t number = 0;
    for (const std::string& text : plan.column.categories) {
      plan.numbers.emplace(text, number++);
    }
  }
  return plans;
}

/// Values of a column, row after row.
struct Values {
  std::vector<double> numbers;  // categories as well
  std::vector<std::string> texts;

  Tensor tensor(const Plan& plan) const {
    if (plan.is_number()) return Tensor(numbers).cast(plan.column.dtype);
    if (plan.is_category()) return Tensor(numbers).cast(DType::i64);
    return Tensor(texts);
  }
};

/// One pass over the file.
class Rows {
 public:
  explicit Rows(std::shared_ptr<const Source> source)
      : source_(std::move(source)),
        reader_(source_->path, source_->options.csv) {}

  /// The next rows, as the arrays of an element.
  std::optional<Element> next() {
    std::vector<Values> x(source_->x.size());
    Values y;
    std::int64_t rows = 0;
    while (rows < kBlock && read_line()) {
      try {
        if (!take(x, y)) continue;  // a row that lacks a value
        ++rows;
      } catch (const InvalidArgument& error) {
        // What was taken of the row goes.
        const auto count = static_cast<std::size_t>(rows);
        for (Values& values : x) cut(values, count);
        cut(y, count);
        skip(error);
      }
    }
    if (rows == 0) return std::nullopt;
    Element out;
    out.x = inputs(x, rows);
    if (source_->y) out.y = y.tensor(*source_->y);
    return out;
  }

 private:
  bool read_line() {
    while (true) {
      try {
        return reader_.next(fields_);
      } catch (const InvalidArgument& error) {
        skip(error);
      }
    }
  }

  void skip(const InvalidArgument& error) {
    if (source_->options.on_error != "skip") throw error;
    source_->skipped->add(
        format("{}:{}", source_->path, reader_.line()), error.what());
  }

  static void cut(Values& values, std::size_t rows) {
    if (values.numbers.size() > rows) values.numbers.resize(rows);
    if (values.texts.size() > rows) values.texts.resize(rows);
  }

  /// Adds the line's values; false when it lacks one and is to be skipped.
  bool take(std::vector<Values>& x, Values& y) {
    const auto missing = [&](const Plan& plan) {
      return reader_.is_missing(fields_[plan.index]) && !plan.column.fill;
    };
    if (source_->options.missing == "skip") {
      for (const Plan& plan : source_->x) {
        if (missing(plan)) return false;
      }
      if (source_->y && missing(*source_->y)) return false;
    }
    for (std::size_t i = 0; i < x.size(); ++i) add(source_->x[i], x[i]);
    if (source_->y) add(*source_->y, y);
    return true;
  }

  [[noreturn]] void refuse(const Plan& plan, const std::string& what) const {
    throw InvalidArgument(format(
        "[{}] line {}: column {} {}",
        io::base_name(source_->path),
        reader_.line(),
        io::quoted(plan.column.name),
        what));
  }

  void add(const Plan& plan, Values& values) const {
    const std::string& field = fields_[plan.index];
    const bool missing = reader_.is_missing(field);
    const bool filled = missing && plan.is_number() && plan.column.fill;
    if (missing && !filled && source_->options.missing == "raise") {
      refuse(plan, "has no value; give it a fill, or missing \"skip\"");
    }
    if (plan.is_number()) {
      values.numbers.push_back(number(plan, field, missing));
    } else if (plan.is_category()) {
      values.numbers.push_back(
          missing ? -1 : static_cast<double>(category(plan, field)));
    } else {
      values.texts.push_back(missing ? std::string() : field);
    }
  }

  double number(
      const Plan& plan, const std::string& field, bool missing) const {
    const auto value = io::parse_number(field);
    if (!value && !missing) {
      refuse(plan, format("expected a number, got {}", io::quoted(field)));
    }
    double out = value.value_or(
        plan.column.fill.value_or(std::numeric_limits<double>::quiet_NaN()));
    if (is_floating(plan.column.dtype)) return out;
    if (std::isnan(out)) {
      refuse(plan, "has no value, which integers cannot say; give it a fill");
    }
    if (std::trunc(out) != out || std::abs(out) > 0x1p53) {
      refuse(
          plan, format("expected a whole number, got {}", io::quoted(field)));
    }
    return out;
  }

  std::int64_t category(const Plan& plan, const std::string& field) const {
    const auto found = plan.numbers.find(io::trimmed(field));
    if (found == plan.numbers.end()) {
      refuse(
          plan,
          format(
              "expected one of {} categories, got {}",
              plan.numbers.size(),
              io::quoted(field)));
    }
    return found->second;
  }

  TensorSet inputs(const std::vector<Values>& x, std::int64_t rows) const {
    if (!source_->options.stacked) {
      std::vector<TensorSet::Named> named;
      for (std::size_t i = 0; i < x.size(); ++i) {
        named.emplace_back(
            source_->x[i].column.name, x[i].tensor(source_->x[i]));
      }
      return {std::move(named)};
    }
    const auto columns = static_cast<std::int64_t>(x.size());
    Tensor out = Tensor::uninitialized(DType::f32, {rows, columns});
    float* to = out.mutable_data<float>().data();
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      for (const Values& values : x) {
        *to++ = static_cast<float>(values.numbers[row]);
      }
    }
    return out;
  }

  std::shared_ptr<const Source> source_;
  io::CsvReader reader_;
  std::vector<std::string> fields_;
};

}  // namespace

std::vector<CsvColumn> csv_columns(
    const std::string& path, const CsvDatasetOptions& options) {
  check(options);
  std::vector<CsvColumn> out;
  for (Plan& plan : plan_columns(path, options)) {
    out.push_back(std::move(plan.column));
  }
  return out;
}

FileDataset csv_dataset(
    const std::string& path, const CsvDatasetOptions& options) {
  check(options);
  auto source = std::make_shared<Source>();
  source->path = path;
  source->options = options;
  source->skipped = std::make_shared<SkipList>();
  for (Plan& plan : plan_columns(path, options)) {
    if (plan.column.name == options.target) {
      source->y = std::move(plan);
    } else {
      if (options.stacked && plan.column.kind == "text") {
        fail(format(
            "column {} holds texts, which cannot be stacked with numbers; list "
            "the columns to use",
            io::quoted(plan.column.name)));
      }
      source->x.push_back(std::move(plan));
    }
  }
  if (!options.target.empty() && !source->y) {
    std::vector<std::string> names;
    for (const Plan& plan : source->x) names.push_back(plan.column.name);
    fail(format(
        "no column that is read is called {}, the target{}",
        io::quoted(options.target),
        did_you_mean(options.target, names)));
  }
  if (source->x.empty()) fail("expected a column besides the target, got none");
  Dataset rows =
      Dataset::from_generator([source = std::shared_ptr<const Source>(source)] {
        return [pass = std::make_shared<Rows>(source)] { return pass->next(); };
      }).unbatch();
  if (options.shuffle_buffer) {
    rows = rows.shuffle(*options.shuffle_buffer, {.seed = options.seed});
  }
  if (options.batch_size) {
    rows = rows.batch(*options.batch_size).prefetch(kAutotune);
  }
  return {std::move(rows), source->skipped};
}

FileDataset::FileDataset(
    Dataset dataset, std::shared_ptr<const SkipList> skipped)
    : Dataset(std::move(dataset)), skipped_(std::move(skipped)) {}

std::int64_t FileDataset::skipped_count() const {
  return skipped_ ? skipped_->count() : 0;
}

std::vector<std::string> FileDataset::skipped() const {
  return skipped_ ? skipped_->messages() : std::vector<std::string>();
}

}  // namespace keratin::data

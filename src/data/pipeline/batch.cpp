// Rows joined and taken apart: batch, padded_batch, unbatch.

#include <algorithm>
#include <cstring>
#include <deque>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

using Pendings = std::vector<Pending>;

/// One tensor of every element.
using Column = std::vector<Tensor>;

struct Columns {
  Element like;
  std::vector<std::string> names;
  std::vector<Column> columns;
};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// Makes the elements and sorts their tensors by place. Throws unless all are
/// built alike.
Columns make_columns(const char* who, Pendings& pendings) {
  Columns out;
  for (std::size_t i = 0; i < pendings.size(); ++i) {
    check_stop();
    Element element = pendings[i].take();
    const std::vector<std::string> names = names_of(element);
    if (i == 0) {
      out.names = names;
      out.columns.resize(names.size());
      out.like = element;
    } else if (names != out.names) {
      throw InvalidArgument(format(
          "[dataset {}] element {} of a batch has other parts ({}) than the "
          "first ({})",
          who,
          i,
          listed(names),
          listed(out.names)));
    }
    const std::vector<Tensor> tensors = tensors_of(element);
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      if (i > 0 && tensors[k].dtype() != out.columns[k][0].dtype()) {
        throw InvalidArgument(format(
            "[dataset {}] {}: element {} of a batch is {}, the first {}",
            who,
            names[k],
            i,
            tensors[k].dtype(),
            out.columns[k][0].dtype()));
      }
      out.columns[k].push_back(tensors[k]);
    }
  }
  return out;
}

/// One source for all of them, or null.
const RowSource* common_source(const Pendings& pendings) {
  const RowSource* source = pendings[0].source();
  const bool common = std::ranges::all_of(
      pendings, [&](const Pending& p) { return p.source() == source; });
  return common ? source : nullptr;
}

Element gather_batch(Pendings pendings) {
  if (const RowSource* source = common_source(pendings)) {
    std::vector<std::int64_t> rows;
    rows.reserve(pendings.size());
    for (const Pending& pending : pendings) rows.push_back(pending.row());
    return source->gather(rows);
  }
  const Columns parts = make_columns("batch", pendings);
  std::vector<Tensor> stacked;
  for (std::size_t k = 0; k < parts.columns.size(); ++k) {
    const Column& column = parts.columns[k];
    for (std::size_t i = 1; i < column.size(); ++i) {
      if (column[i].shape() == column[0].shape()) continue;
      throw InvalidArgument(format(
          "[dataset batch] {}: element {} of a batch has shape {}, the first "
          "{}; give them one shape, or use padded_batch",
          parts.names[k],
          i,
          column[i].shape(),
          column[0].shape()));
    }
    stacked.push_back(stack(column));
  }
  return with_tensors(parts.like, stacked);
}

/// The shape that holds every row of a column.
Shape padded_shape(const Columns& parts, std::size_t k, const Shape* wanted) {
  const Column& column = parts.columns[k];
  const std::size_t rank = column[0].rank();
  if (wanted != nullptr && wanted->rank() != rank) {
    throw InvalidArgument(format(
        "[dataset padded_batch] {}: expected a padded shape of rank {}, got {}",
        parts.names[k],
        rank,
        *wanted));
  }
  Shape shape = column[0].shape();
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (column[i].rank() != rank) {
      throw InvalidArgument(format(
          "[dataset padded_batch] {}: element {} of a batch has shape {}, the "
          "first {}: their ranks differ",
          parts.names[k],
          i,
          column[i].shape(),
          column[0].shape()));
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
      shape[axis] = std::max(shape[axis], column[i].shape()[axis]);
    }
  }
  for (std::size_t axis = 0; wanted != nullptr && axis < rank; ++axis) {
    if ((*wanted)[axis] == kUnknown) continue;
    if (shape[axis] > (*wanted)[axis]) {
      throw InvalidArgument(format(
          "[dataset padded_batch] {}: expected at most {} along axis {}, got "
          "{}",
          parts.names[k],
          (*wanted)[axis],
          axis,
          shape[axis]));
    }
    shape[axis] = (*wanted)[axis];
  }
  return shape;
}

/// Copies `from` into the corner of an array of shape `outer`, element by
/// element by way of `copy(to, from, count)` along the last axis.
template <class Copy>
void copy_corner(const Shape& from, const Shape& outer, const Copy& copy) {
  const std::size_t rank = from.rank();
  if (from.size() == 0) return;
  if (rank == 0) {
    copy(0, 0, 1);
    return;
  }
  const std::int64_t run = from[rank - 1];
  std::vector<std::int64_t> index(rank, 0);
  for (std::int64_t source = 0; source < from.size(); source += run) {
    std::int64_t to = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      to = to * outer[axis] + index[axis];
    }
    copy(to, source, run);
    for (std::size_t axis = rank - 1; axis-- > 0;) {
      if (++index[axis] < from[axis]) break;
      index[axis] = 0;
    }
  }
}

Tensor pad(const Column& column, const Shape& shape, const Tensor& value) {
  std::vector<std::int64_t> dims = shape.dims();
  dims.insert(dims.begin(), static_cast<std::int64_t>(column.size()));
  const DType dtype = column[0].dtype();
  Tensor out(dtype, Shape(dims));
  const std::int64_t row = shape.size();
  const bool text = dtype == DType::string;
  if (text) {
    std::ranges::fill(
        out.mutable_data<std::string>(), value.data<std::string>()[0]);
  } else {
    out = Tensor::full(dtype, Shape(dims), value.at(0));
  }
  for (std::size_t i = 0; i < column.size(); ++i) {
    const std::int64_t base = static_cast<std::int64_t>(i) * row;
    copy_corner(
        column[i].shape(),
        shape,
        [&](std::int64_t to, std::int64_t from, std::int64_t count) {
          if (text) {
            std::copy_n(
                column[i].data<std::string>().begin() + from,
                count,
                out.mutable_data<std::string>().begin() + base + to);
            return;
          }
          const std::size_t bytes = size_of(dtype);
          std::memcpy(
              static_cast<std::byte*>(out.mutable_raw()) +
                  static_cast<std::size_t>(base + to) * bytes,
              static_cast<const std::byte*>(column[i].raw()) +
                  static_cast<std::size_t>(from) * bytes,
              static_cast<std::size_t>(count) * bytes);
        });
  }
  return out;
}

Tensor padding_of(
    const Columns& parts, std::size_t k, const PaddedBatchOptions& options) {
  const DType dtype = parts.columns[k][0].dtype();
  if (k >= options.padding_values.size()) {
    return dtype == DType::string ? Tensor(dtype, Shape{1})
                                  : Tensor::full(dtype, Shape{1}, 0);
  }
  const Tensor& value = options.padding_values[k];
  if (value.size() != 1 ||
      (value.dtype() == DType::string) != (dtype == DType::string)) {
    throw InvalidArgument(format(
        "[dataset padded_batch] {}: expected one padding value for {}, got "
        "{}{}",
        parts.names[k],
        dtype,
        value.dtype(),
        value.shape()));
  }
  return value;
}

Element padded(Pendings pendings, const PaddedBatchOptions& options) {
  const Columns parts = make_columns("padded_batch", pendings);
  std::vector<Tensor> tensors;
  for (std::size_t k = 0; k < parts.columns.size(); ++k) {
    const Shape* wanted =
        k < options.padded_shapes.size() ? &options.padded_shapes[k] : nullptr;
    tensors.push_back(
        pad(parts.columns[k],
            padded_shape(parts, k, wanted),
            padding_of(parts, k, options)));
  }
  return with_tensors(parts.like, tensors);
}

class BatchNode final : public Node {
 public:
  using Join = std::function<Element(Pendings)>;

  BatchNode(
      NodePtr input,
      const char* name,
      std::int64_t size,
      bool drop_remainder,
      Join join)
      : Node({std::move(input)}),
        name_(name),
        size_(size),
        drop_remainder_(drop_remainder),
        join_(std::move(join)) {}

  CursorPtr open(const Pass& pass) const override {
    class Batches final : public Cursor {
     public:
      Batches(CursorPtr input, const BatchNode& node)
          : input_(std::move(input)), node_(node) {}

      bool next(Pending& out) override {
        auto rows = std::make_shared<Pendings>();
        Pending pending;
        while (static_cast<std::int64_t>(rows->size()) < node_.size_ &&
               input_->next(pending)) {
          check_stop();
          rows->push_back(std::move(pending));
        }
        const bool whole =
            static_cast<std::int64_t>(rows->size()) == node_.size_;
        if (rows->empty() || (!whole && node_.drop_remainder_)) return false;
        // Joined where the batch is needed, which may be on another thread.
        out = Pending(
            [rows, join = &node_.join_] { return (*join)(std::move(*rows)); });
        return true;
      }

      std::int64_t skip(std::int64_t count) override {
        std::int64_t skipped = 0;
        while (skipped < count) {
          const std::int64_t rows = input_->skip(node_.size_);
          const bool whole = rows == node_.size_;
          if (rows == 0 || (!whole && node_.drop_remainder_)) break;
          ++skipped;
        }
        return skipped;
      }

     private:
      CursorPtr input_;
      const BatchNode& node_;
    };

    return std::make_unique<Batches>(input().start(pass), *this);
  }

  std::int64_t cardinality() const override {
    return map_count(input().cardinality(), [&](std::int64_t n) {
      const bool part = n % size_ != 0 && !drop_remainder_;
      return n / size_ + (part ? 1 : 0);
    });
  }

  std::string describe() const override {
    return format("{}({}, {})", name_, size_, drop_remainder_);
  }

 private:
  const char* name_;
  std::int64_t size_;
  bool drop_remainder_;
  Join join_;
};

class UnbatchNode final : public Node {
 public:
  explicit UnbatchNode(NodePtr input) : Node({std::move(input)}) {}

  CursorPtr open(const Pass& pass) const override {
    class Rows final : public Cursor {
     public:
      explicit Rows(CursorPtr input) : input_(std::move(input)) {}

      bool next(Pending& out) override {
        while (!batch_ || row_ >= batch_->rows()) {
          check_stop();
          Pending pending;
          if (!input_->next(pending)) return false;
          batch_ = std::make_unique<RowSource>(pending.take());
          row_ = 0;
        }
        // A row by value: the batch may be gone when it is asked for.
        out = Pending(batch_->row(row_++));
        return true;
      }

     private:
      CursorPtr input_;
      std::unique_ptr<RowSource> batch_;
      std::int64_t row_ = 0;
    };

    return std::make_unique<Rows>(input().start(pass));
  }

  std::int64_t cardinality() const override {
    const std::int64_t batches = input().cardinality();
    return batches > 0 ? Dataset::kUnknownCardinality : batches;
  }

  std::string describe() const override { return "unbatch"; }
};

}  // namespace

NodePtr make_batch(NodePtr input, std::int64_t size, bool drop_remainder) {
  return std::make_shared<BatchNode>(
      std::move(input), "batch", size, drop_remainder, gather_batch);
}

NodePtr make_padded_batch(
    NodePtr input, std::int64_t size, const PaddedBatchOptions& options) {
  return std::make_shared<BatchNode>(
      std::move(input),
      "padded_batch",
      size,
      options.drop_remainder,
      [options](Pendings rows) { return padded(std::move(rows), options); });
}

NodePtr make_unbatch(NodePtr input) {
  return std::make_shared<UnbatchNode>(std::move(input));
}

}  // namespace keratin::data

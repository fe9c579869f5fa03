#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin::ops {

namespace {

/// A label of an axis: a letter's code, or kEllipsis + i for the axis of an
/// ellipsis that is i-th from its end (ellipses broadcast from the right).
using Label = int;
using Labels = std::vector<Label>;

constexpr Label kEllipsis = 256;

bool contains(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

std::int64_t position(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) - labels.begin();
}

/// An operand while it is worked on: each axis has a label.
struct Operand {
  Value value;
  Labels labels;

  std::int64_t dim(Label label) const {
    return value.shape()[position(labels, label)];
  }
};

class Einsum {
 public:
  Einsum(const std::string& equation, const std::vector<Value>& operands)
      : equation_(equation) {
    rules::graph_of(operands, "einsum");
    who_ = rules::who(operands[0], "einsum");
    if (operands.size() > 2) {
      fail(format(
          "expected one or two operands, got {}; contract them pair by pair",
          operands.size()));
    }
    parse(operands);
  }

  Value run() {
    for (Operand& operand : operands_) take_diagonals(operand);
    Operand result = operands_[0];
    if (operands_.size() == 2) {
      drop_broadcast_ones();
      sum_private(operands_[0], operands_[1]);
      sum_private(operands_[1], operands_[0]);
      result = contract(operands_[0], operands_[1]);
    }
    sum_missing(result);
    return arrange(result);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    rules::fail(who_, format("\"{}\": {}", equation_, message));
  }

  void parse(const std::vector<Value>& operands) {
    std::string text;
    for (const char c : equation_) {
      if (c != ' ') text += c;
    }
    const std::size_t arrow = text.find("->");
    const std::string inputs = text.substr(0, arrow);
    std::vector<std::string> terms(1);
    for (const char c : inputs) {
      if (c == ',') {
        terms.emplace_back();
      } else {
        terms.back() += c;
      }
    }
    if (terms.size() != operands.size()) {
      fail(format(
          "expected one term for each operand, got {} terms and {} operands",
          terms.size(),
          operands.size()));
    }
    for (std::size_t i = 0; i < terms.size(); ++i) {
      operands_.push_back(
          {operands[i],
           labels_of(terms[i], static_cast<std::int64_t>(operands[i].rank()))});
      check_dims(operands_.back());
    }
    if (arrow == std::string::npos) {
      implicit_output();
    } else {
      explicit_output(text.substr(arrow + 2));
    }
  }

  /// `rank` < 0: the output, whose ellipsis has as many axes as the widest of
  /// the operands.
  Labels labels_of(std::string_view term, std::int64_t rank) {
    Labels labels;
    const std::size_t dots = term.find("...");
    const auto letters = static_cast<std::int64_t>(term.size()) -
                         (dots == std::string_view::npos ? 0 : 3);
    std::int64_t hidden = rank < 0 ? ellipsis_rank_ : rank - letters;
    if (rank >= 0 && (hidden < 0 || (hidden > 0 && dots == term.npos))) {
      fail(format(
          "term \"{}\" names {} axes, the operand has {}",
          term,
          letters,
          rank));
    }
    for (std::size_t i = 0; i < term.size(); ++i) {
      if (i == dots) {
        while (hidden > 0) labels.push_back(kEllipsis + --hidden);
        i += 2;
      } else if (std::isalpha(static_cast<unsigned char>(term[i])) != 0) {
        labels.push_back(term[i]);
      } else {
        fail(format(
            "expected letters, \"...\", \",\" and one \"->\", got '{}'",
            term[i]));
      }
    }
    if (rank >= 0 && dots != std::string_view::npos) {
      ellipsis_rank_ = std::max(ellipsis_rank_, rank - letters);
    }
    return labels;
  }

  /// One label has one extent, except that 1 broadcasts.
  void check_dims(const Operand& operand) {
    const Shape shape = operand.value.shape();
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      const Label label = operand.labels[i];
      std::int64_t& dim = dims_.emplace(label, shape[i]).first->second;
      if (dim == 1) dim = shape[i];
      if (shape[i] == dim || shape[i] == 1) continue;
      fail(format(
          "{} has extents {} and {}",
          label >= kEllipsis ? std::string("an axis of \"...\"")
                             : format("label '{}'", static_cast<char>(label)),
          dim,
          shape[i]));
    }
  }

  void explicit_output(const std::string& term) {
    if (term.find(',') != std::string::npos) {
      fail("expected one term after \"->\"");
    }
    if (ellipsis_rank_ > 0 && term.find("...") == std::string::npos) {
      fail("expected \"...\" in the output too; sum its axes afterwards");
    }
    output_ = labels_of(term, -1);
    for (const Label label : output_) {
      if (!dims_.contains(label)) {
        fail(format(
            "label '{}' of the output is in no operand",
            static_cast<char>(label)));
      }
      if (std::count(output_.begin(), output_.end(), label) > 1) {
        fail(format(
            "label '{}' is twice in the output", static_cast<char>(label)));
      }
    }
  }

  /// NumPy's rule: the ellipsis, then what is named once, by the alphabet.
  void implicit_output() {
    for (std::int64_t i = ellipsis_rank_; i-- > 0;) {
      output_.push_back(kEllipsis + static_cast<Label>(i));
    }
    for (const auto& [label, dim] : dims_) {  // ordered by code
      std::int64_t count = 0;
      for (const Operand& operand : operands_) {
        count +=
            std::count(operand.labels.begin(), operand.labels.end(), label);
      }
      if (label < kEllipsis && count == 1) output_.push_back(label);
    }
  }

  /// "ii...": keeps the first axis of each repeated label, at the elements
  /// where the indices of all its axes agree.
  void take_diagonals(Operand& operand) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      for (std::size_t j = operand.labels.size(); --j > i;) {
        if (operand.labels[j] != operand.labels[i]) continue;
        const Shape shape = operand.value.shape();
        if (shape[i] != shape[j]) {
          fail(format(
              "label '{}' is twice in one term, with extents {} and {}",
              static_cast<char>(operand.labels[i]),
              shape[i],
              shape[j]));
        }
        Shape plane(Ints(shape.rank(), 1));
        plane[i] = plane[j] = shape[i];
        Graph& graph = rules::graph_of({operand.value}, "einsum");
        const Value on_diagonal = equal(
            iota(graph, plane, static_cast<std::int64_t>(i), DType::i32),
            iota(graph, plane, static_cast<std::int64_t>(j), DType::i32));
        operand.value = sum(
            where(on_diagonal, operand.value, scalar_like(operand.value, 0)),
            {static_cast<std::int64_t>(j)});
        operand.labels.erase(
            operand.labels.begin() + static_cast<std::ptrdiff_t>(j));
      }
    }
  }

  /// An axis of extent 1 that the other operand has longer means nothing.
  void drop_broadcast_ones() {
    for (std::size_t i = 0; i < 2; ++i) {
      Operand& operand = operands_[i];
      const Operand& other = operands_[1 - i];
      Axes dropped;
      Labels kept;
      for (const Label label : operand.labels) {
        if (contains(other.labels, label) && operand.dim(label) == 1 &&
            other.dim(label) != 1) {
          dropped.push_back(position(operand.labels, label));
        } else {
          kept.push_back(label);
        }
      }
      if (!dropped.empty()) operand.value = squeeze(operand.value, dropped);
      operand.labels = kept;
    }
  }

  void sum_axes(Operand& operand, const Labels& labels) {
    if (labels.empty()) return;
    Axes axes;
    Labels kept;
    for (const Label label : operand.labels) {
      if (contains(labels, label)) {
        axes.push_back(position(operand.labels, label));
      } else {
        kept.push_back(label);
      }
    }
    operand.value = sum(operand.value, axes);
    operand.labels = kept;
  }

  void sum_missing(Operand& operand) {
    Labels missing;
    for (const Label label : operand.labels) {
      if (!contains(output_, label)) missing.push_back(label);
    }
    sum_axes(operand, missing);
  }

  /// Sums what only `operand` has and the output has not: less to multiply.
  void sum_private(Operand& operand, const Operand& other) {
    Labels summed;
    for (const Label label : operand.labels) {
      if (!contains(output_, label) && !contains(other.labels, label)) {
        summed.push_back(label);
      }
    }
    sum_axes(operand, summed);
  }

  struct Groups {
    Labels batch;  // in both and in the output
    Labels inner;  // in both only
    Labels left;   // in the first only
    Labels right;  // in the second only
  };

  Operand contract(const Operand& a, const Operand& b) {
    Groups groups;
    for (const Label label : a.labels) {
      if (!contains(b.labels, label)) {
        groups.left.push_back(label);
      } else {
        (contains(output_, label) ? groups.batch : groups.inner)
            .push_back(label);
      }
    }
    for (const Label label : b.labels) {
      if (!contains(a.labels, label)) groups.right.push_back(label);
    }
    return groups.inner.empty() ? multiply_all(a, b, groups)
                                : multiply_matrices(a, b, groups);
  }

  static Labels join(std::initializer_list<const Labels*> parts) {
    Labels labels;
    for (const Labels* part : parts) {
      labels.insert(labels.end(), part->begin(), part->end());
    }
    return labels;
  }

  static Shape dims_of(const Operand& operand, const Labels& labels) {
    Shape shape;
    for (const Label label : labels) shape.push_back(operand.dim(label));
    return shape;
  }

  static Value transposed(const Operand& operand, const Labels& labels) {
    if (labels == operand.labels) return operand.value;
    Axes permutation;
    for (const Label label : labels) {
      permutation.push_back(position(operand.labels, label));
    }
    return transpose(operand.value, permutation);
  }

  /// Nothing to sum: a broadcast product.
  static Operand multiply_all(
      const Operand& a, const Operand& b, const Groups& groups) {
    const Labels labels = join({&groups.batch, &groups.left, &groups.right});
    const auto spread = [&](const Operand& x, const Labels& own) {
      Shape shape;
      for (const Label label : labels) {
        shape.push_back(contains(own, label) ? x.dim(label) : 1);
      }
      return reshape(transposed(x, own), shape);
    };
    return {
        multiply(
            spread(a, join({&groups.batch, &groups.left})),
            spread(b, join({&groups.batch, &groups.right}))),
        labels};
  }

  /// [batch..., left, inner] . [batch..., inner, right], or with either
  /// operand's last two groups swapped where its axes are stored so.
  Operand multiply_matrices(
      const Operand& a, const Operand& b, const Groups& groups) {
    const Shape batch_a = dims_of(a, groups.batch);
    const std::int64_t inner = dims_of(a, groups.inner).size();
    const Shape left = dims_of(a, groups.left);
    const Shape right = dims_of(b, groups.right);
    const auto matrix = [&](const Operand& x,
                            const Labels& labels,
                            std::int64_t rows,
                            std::int64_t columns) {
      Shape shape = batch_a;
      shape.push_back(rows);
      shape.push_back(columns);
      return reshape(transposed(x, labels), shape);
    };
    const Labels a_swapped = join({&groups.batch, &groups.inner, &groups.left});
    const Labels b_swapped =
        join({&groups.batch, &groups.right, &groups.inner});
    MatmulOptions options;
    options.transpose_a = !groups.left.empty() && a.labels == a_swapped;
    options.transpose_b = !groups.right.empty() && b.labels == b_swapped;
    const Value x =
        options.transpose_a
            ? matrix(a, a_swapped, inner, left.size())
            : matrix(
                  a,
                  join({&groups.batch, &groups.left, &groups.inner}),
                  left.size(),
                  inner);
    const Value y =
        options.transpose_b
            ? matrix(b, b_swapped, right.size(), inner)
            : matrix(
                  b,
                  join({&groups.batch, &groups.inner, &groups.right}),
                  inner,
                  right.size());
    Shape shape = batch_a;
    for (const std::int64_t dim : left) shape.push_back(dim);
    for (const std::int64_t dim : right) shape.push_back(dim);
    return {
        reshape(matmul(x, y, options), shape),
        join({&groups.batch, &groups.left, &groups.right})};
  }

  Value arrange(const Operand& result) {
    KERATIN_CHECK(
        result.labels.size() == output_.size(), "one axis per output label");
    return transposed(result, output_);
  }

  std::string equation_;
  std::string who_;
  std::vector<Operand> operands_;
  Labels output_;
  std::map<Label, std::int64_t> dims_;
  std::int64_t ellipsis_rank_ = 0;
};

}  // namespace

Value einsum(const std::string& equation, const std::vector<Value>& operands) {
  return Einsum(equation, operands).run();
}

}  // namespace keratin::ops

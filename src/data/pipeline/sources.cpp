// Where elements come from: arrays, one element, a function, a range.

#include <algorithm>
#include <limits>
#include <utility>

#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

/// Counts to a known number of elements, which can be passed over at once.
class CountedCursor : public Cursor {
 public:
  explicit CountedCursor(std::int64_t count) : count_(count) {}

  bool next(Pending& out) final {
    if (position_ >= count_) return false;
    out = at(position_++);
    return true;
  }

  std::int64_t skip(std::int64_t count) final {
    const std::int64_t skipped = std::min(count, count_ - position_);
    position_ += skipped;
    return skipped;
  }

 private:
  virtual Pending at(std::int64_t index) const = 0;

  std::int64_t count_;
  std::int64_t position_ = 0;
};

class SlicesNode final : public Node {
 public:
  explicit SlicesNode(Element arrays) : source_(std::move(arrays)) {}

  CursorPtr open(const Pass& /*pass*/) const override {
    class Rows final : public CountedCursor {
     public:
      explicit Rows(const RowSource& source)
          : CountedCursor(source.rows()), source_(source) {}

     private:
      Pending at(std::int64_t index) const override { return {source_, index}; }

      const RowSource& source_;
    };

    return std::make_unique<Rows>(source_);
  }

  std::int64_t cardinality() const override { return source_.rows(); }

  std::string describe() const override {
    return format("slices({})", source_.rows());
  }

 private:
  RowSource source_;
};

class SingleNode final : public Node {
 public:
  explicit SingleNode(Element element) : element_(std::move(element)) {}

  CursorPtr open(const Pass& /*pass*/) const override {
    class One final : public CountedCursor {
     public:
      explicit One(const Element& element)
          : CountedCursor(1), element_(element) {}

     private:
      Pending at(std::int64_t /*index*/) const override {
        return Pending(element_);
      }

      const Element& element_;
    };

    return std::make_unique<One>(element_);
  }

  std::int64_t cardinality() const override { return 1; }

  std::string describe() const override { return "tensors"; }

 private:
  Element element_;
};

class RangeNode final : public Node {
 public:
  RangeNode(std::int64_t start, std::int64_t stop, std::int64_t step)
      : start_(start), step_(step) {
    if (step > 0 ? stop <= start : stop >= start) return;
    // Unsigned: the span may be larger than the numbers.
    const auto from = static_cast<std::uint64_t>(start);
    const auto to = static_cast<std::uint64_t>(stop);
    const auto by = static_cast<std::uint64_t>(step);
    const std::uint64_t span = step > 0 ? to - from : from - to;
    const std::uint64_t count = (span - 1) / (step > 0 ? by : 0 - by) + 1;
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    count_ = static_cast<std::int64_t>(std::min(count, most));
  }

  CursorPtr open(const Pass& /*pass*/) const override {
    class Numbers final : public CountedCursor {
     public:
      explicit Numbers(const RangeNode& node)
          : CountedCursor(node.count_), node_(node) {}

     private:
      Pending at(std::int64_t index) const override {
        const auto number = static_cast<std::int64_t>(
            static_cast<std::uint64_t>(node_.start_) +
            static_cast<std::uint64_t>(index) *
                static_cast<std::uint64_t>(node_.step_));
        return Pending(Element{Tensor(number)});
      }

      const RangeNode& node_;
    };

    return std::make_unique<Numbers>(*this);
  }

  std::int64_t cardinality() const override { return count_; }

  std::string describe() const override {
    return format("range({}, {}, {})", start_, count_, step_);
  }

 private:
  std::int64_t start_;
  std::int64_t step_;
  std::int64_t count_ = 0;
};

class GeneratorNode final : public SeededNode {
 public:
  explicit GeneratorNode(std::function<Dataset::Generator()> start)
      : SeededNode({}), start_(std::move(start)) {}

  CursorPtr open(const Pass& pass) const override {
    class Calls final : public Cursor {
     public:
      Calls(const GeneratorNode& node, std::uint64_t seed) : seed_(seed) {
        const NestedSeeds nested(seed_);
        generate_ = node.start_();
      }

      bool next(Pending& out) override {
        if (!generate_) return false;
        std::optional<Element> element;
        const std::uint64_t seed =
            mix_seed(seed_, static_cast<std::uint64_t>(count_), 0);
        make_numbered("from_generator", count_, [&] {
          const NestedSeeds nested(seed);
          element = generate_();
          return Element{};
        });
        if (!element) {
          generate_ = nullptr;
          return false;
        }
        ++count_;
        out = Pending(std::move(*element));
        return true;
      }

     private:
      std::uint64_t seed_;
      Dataset::Generator generate_;
      std::int64_t count_ = 0;
    };

    const auto epoch = static_cast<std::uint64_t>(pass.epoch);
    return std::make_unique<Calls>(*this, mix_seed(seed(pass), epoch, 0));
  }

  std::int64_t cardinality() const override {
    return Dataset::kUnknownCardinality;
  }

  std::string describe() const override { return "generator"; }

 private:
  std::function<Dataset::Generator()> start_;
};

}  // namespace

NodePtr make_slices(Element arrays) {
  return std::make_shared<SlicesNode>(std::move(arrays));
}

NodePtr make_single(Element element) {
  return std::make_shared<SingleNode>(std::move(element));
}

NodePtr make_range(std::int64_t start, std::int64_t stop, std::int64_t step) {
  return std::make_shared<RangeNode>(start, stop, step);
}

NodePtr make_generator(std::function<Dataset::Generator()> start) {
  return std::make_shared<GeneratorNode>(std::move(start));
}

}  // namespace keratin::data

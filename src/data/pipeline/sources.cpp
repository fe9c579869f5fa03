// Where elements come from: arrays, one element, a function, a range.

#include <algorithm>
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

  CursorPtr start(const Pass& /*pass*/) const override {
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

  CursorPtr start(const Pass& /*pass*/) const override {
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
    const std::int64_t span = step > 0 ? stop - start : start - stop;
    const std::int64_t stride = step > 0 ? step : -step;
    count_ = span <= 0 ? 0 : (span + stride - 1) / stride;
  }

  CursorPtr start(const Pass& /*pass*/) const override {
    class Numbers final : public CountedCursor {
     public:
      explicit Numbers(const RangeNode& node)
          : CountedCursor(node.count_), node_(node) {}

     private:
      Pending at(std::int64_t index) const override {
        return Pending(Element{Tensor(node_.start_ + index * node_.step_)});
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

class GeneratorNode final : public Node {
 public:
  explicit GeneratorNode(std::function<Dataset::Generator()> start)
      : start_(std::move(start)) {}

  CursorPtr start(const Pass& /*pass*/) const override {
    class Calls final : public Cursor {
     public:
      explicit Calls(Dataset::Generator generate)
          : generate_(std::move(generate)) {}

      bool next(Pending& out) override {
        if (!generate_) return false;
        std::optional<Element> element;
        make_numbered("from_generator", count_, [&] {
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
      Dataset::Generator generate_;
      std::int64_t count_ = 0;
    };

    return std::make_unique<Calls>(start_());
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

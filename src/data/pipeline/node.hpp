#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/data/dataset.hpp>

#include "src/data/pipeline/stop.hpp"

/// The inside of a Dataset: a tree of immutable nodes, and of cursors, one a
/// node, while a pass runs.
namespace keratin::data {

/// Arrays whose rows are elements. Batches are gathered straight from them.
class RowSource {
 public:
  explicit RowSource(Element arrays);

  std::int64_t rows() const { return rows_; }

  Element row(std::int64_t index) const;

  /// Rows stacked: what batching their elements would give.
  Element gather(const std::vector<std::int64_t>& indices) const;

 private:
  Element arrays_;
  std::int64_t rows_;
};

/// An element that may not have been made yet. Small, as buffers hold many; a
/// row of arrays takes no memory of its own.
class Pending {
 public:
  using Make = std::function<Element()>;

  Pending() = default;
  explicit Pending(Element element);
  explicit Pending(Make make);

  Pending(const RowSource& source, std::int64_t row)
      : source_(&source), row_(row) {}

  /// The element; once only.
  Element take();

  /// What the element is made of lives as long as this.
  void keep(std::shared_ptr<const void> owner);

  /// The arrays it is a row of; null when it is none.
  const RowSource* source() const { return source_; }

  std::int64_t row() const { return row_; }

  /// Whether take() calls a function.
  bool is_put_off() const { return content_ && content_->make; }

 private:
  struct Content {
    std::vector<std::shared_ptr<const void>> owners;
    std::optional<Element> element;
    Make make;
  };

  std::unique_ptr<Content> content_;
  const RowSource* source_ = nullptr;
  std::int64_t row_ = 0;
};

class SeededNode;
class StageClock;

/// What the cursors of one pass share.
struct Pass {
  std::int64_t epoch = 0;

  /// Seeds that an earlier run had, in place of the nodes' own.
  std::map<const SeededNode*, std::uint64_t> seeds = {};

  /// Set when the pass is over; null where nobody sets it.
  std::shared_ptr<const StopFlag> stop = {};
  const StageClock* clock = nullptr;  // of a pass that is profiled

  Pass in_epoch(std::int64_t other) const {
    Pass pass = *this;
    pass.epoch = other;
    return pass;
  }
};

/// Holds the flag that ends a pass, and what the pass was made in, too.
class PassEnd {
 public:
  PassEnd() : flag_(std::make_shared<StopFlag>(StopScope::current())) {}

  PassEnd(const PassEnd&) = delete;
  PassEnd& operator=(const PassEnd&) = delete;

  ~PassEnd() { flag_->set(); }

  const std::shared_ptr<StopFlag>& flag() const { return flag_; }

 private:
  std::shared_ptr<StopFlag> flag_;
};

/// A position in one node's elements.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  virtual ~Cursor() = default;

  /// The next element, or false at the end, and from then on.
  virtual bool next(Pending& out) = 0;

  /// Passes over up to `count` elements without making those that nothing
  /// depends on; how many there were.
  virtual std::int64_t skip(std::int64_t count);

  /// Whether next() waits for other threads rather than work.
  virtual bool waits() const { return false; }
};

using CursorPtr = std::unique_ptr<Cursor>;
using NodePtr = std::shared_ptr<const Node>;

class Node {
 public:
  explicit Node(std::vector<NodePtr> inputs = {});
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node() = default;

  /// Starts a pass. The cursor may refer to the node.
  CursorPtr start(const Pass& pass) const;

  /// As Dataset::cardinality.
  virtual std::int64_t cardinality() const = 0;

  /// "shuffle(100)": what it does; tells pipelines apart.
  virtual std::string describe() const = 0;

  /// What a profile calls it.
  virtual std::string label() const { return describe(); }

  const std::vector<NodePtr>& inputs() const { return inputs_; }

 protected:
  /// What start() does.
  virtual CursorPtr open(const Pass& pass) const = 0;

  const Node& input() const { return *inputs_[0]; }

 private:
  std::vector<NodePtr> inputs_;
};

/// A node that draws random numbers, or calls a function that may make such
/// nodes.
class SeededNode : public Node {
 public:
  SeededNode(
      std::vector<NodePtr> inputs,
      std::optional<std::uint64_t> seed = std::nullopt);

  /// Whether the caller chose the seed.
  bool seed_is_given() const { return given_; }

  std::uint64_t seed(const Pass& pass) const {
    const auto found = pass.seeds.find(this);
    return found == pass.seeds.end() ? seed_ : found->second;
  }

 private:
  bool given_;
  std::uint64_t seed_;
};

/// The seeded nodes of a tree, in an order that depends on the tree alone.
std::vector<const SeededNode*> seeded_nodes(const Node& root);

/// While one lives on this thread, nodes made on it take their seeds from it
/// and not from set_random_seed's: what functions of a pipeline make in a pass
/// is the same when the pass is resumed, on whichever thread.
class NestedSeeds {
 public:
  explicit NestedSeeds(std::uint64_t seed);
  NestedSeeds(const NestedSeeds&) = delete;
  NestedSeeds& operator=(const NestedSeeds&) = delete;
  ~NestedSeeds();

  std::uint64_t next();

  /// The innermost of this thread, or null.
  static NestedSeeds* current();

 private:
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
  NestedSeeds* outer_;
};

/// What a node and the nodes below it do, in one text: equal pipelines, equal
/// texts.
std::string describe_tree(const Node& node);

/// A sum or product of counts; the greatest number where it is too large.
std::int64_t add_counts(std::int64_t a, std::int64_t b);
std::int64_t multiply_counts(std::int64_t a, std::int64_t b);

/// A cardinality with an unknown or infinite operand handled: `f` of a count.
template <class F>
std::int64_t map_count(std::int64_t count, const F& f) {
  return count < 0 ? count : f(count);
}

/// Mixed bits of a seed and two numbers.
std::uint64_t mix_seed(
    std::uint64_t seed, std::uint64_t first, std::uint64_t second);

/// Calls `make`; adds "[dataset WHO] element NUMBER: " to what it throws.
Element make_numbered(
    const char* who, std::int64_t number, const Pending::Make& make);

/// All tensors of an element, in order, and the same for changing them.
std::vector<Tensor> tensors_of(const Element& element);

/// An element like `like` with other tensors.
Element with_tensors(const Element& like, const std::vector<Tensor>& tensors);

/// "x", "x/1", "y/name", ...: a name for every tensor.
std::vector<std::string> names_of(const Element& element);

}  // namespace keratin::data

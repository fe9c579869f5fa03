// Work on elements: map, on this thread or others, and prefetch.

#include <utility>

#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"
#include "src/data/pipeline/stage_clock.hpp"
#include "src/data/pipeline/workers.hpp"

namespace keratin::data {
namespace {

class MapNode final : public SeededNode {
 public:
  MapNode(
      NodePtr input,
      MapFunction f,
      const MapOptions& options,
      std::string label)
      : SeededNode({std::move(input)}, options.seed),
        label_(std::move(label)),
        f_(std::move(f)),
        threads_(options.num_parallel_calls),
        ordered_(options.deterministic) {}

  CursorPtr open(const Pass& pass) const override;

  std::int64_t cardinality() const override { return input().cardinality(); }

  std::string describe() const override {
    return format("map({}, {})", threads_.has_value(), ordered_);
  }

  std::string label() const override {
    const std::string threads =
        threads_ ? format(" on {} threads", thread_count(*threads_)) : "";
    return label_ + threads + (ordered_ ? "" : ", in any order");
  }

 private:
  class Later;

  /// The element that f makes of `pending`, when it is asked for.
  Pending apply(Pending pending, const MapContext& context) const {
    // std::function copies what it holds, and a Pending is taken once.
    auto from = std::make_shared<Pending>(std::move(pending));
    return Pending([this, from, context] {
      return make_numbered("map", context.number, [&] {
        Element element = from->take();
        const NestedSeeds nested(context.seed);
        return f_(std::move(element), context);
      });
    });
  }

  std::string label_;
  MapFunction f_;
  std::optional<std::int64_t> threads_;
  bool ordered_;
};

/// Puts off each call until its element is needed.
class MapNode::Later final : public Cursor {
 public:
  Later(const MapNode& node, const Pass& pass)
      : node_(node),
        input_(node.input().start(pass)),
        epoch_(pass.epoch),
        seed_(node.seed(pass)) {}

  bool next(Pending& out) override {
    if (!input_->next(out)) return false;
    const MapContext context{
        count_,
        epoch_,
        mix_seed(
            seed_,
            static_cast<std::uint64_t>(count_),
            static_cast<std::uint64_t>(epoch_))};
    ++count_;
    out = node_.apply(std::move(out), context);
    return true;
  }

  std::int64_t skip(std::int64_t count) override {
    const std::int64_t skipped = input_->skip(count);
    count_ += skipped;
    return skipped;
  }

 private:
  const MapNode& node_;
  CursorPtr input_;
  std::int64_t epoch_;
  std::uint64_t seed_;
  std::int64_t count_ = 0;
};

/// A cursor whose elements threads make ahead. They start with the first
/// element asked for, so that elements can be passed over before.
class AheadCursor final : public Cursor {
 public:
  AheadCursor(
      CursorPtr input,
      std::int64_t threads,
      std::int64_t window,
      bool ordered,
      std::shared_ptr<const StopFlag> stop)
      : input_(std::move(input)),
        threads_(threads),
        window_(window),
        ordered_(ordered),
        stop_(std::move(stop)) {}

  bool next(Pending& out) override {
    if (!workers_) {
      workers_ = std::make_unique<Workers>(
          [this](Pending& pending) { return input_->next(pending); },
          threads_,
          window_,
          ordered_,
          stop_);
    }
    std::optional<Element> element = workers_->next();
    if (!element) return false;
    out = Pending(std::move(*element));
    return true;
  }

  std::int64_t skip(std::int64_t count) override {
    return workers_ ? Cursor::skip(count) : input_->skip(count);
  }

  bool waits() const override { return true; }

 private:
  CursorPtr input_;
  std::int64_t threads_;
  std::int64_t window_;
  bool ordered_;
  std::shared_ptr<const StopFlag> stop_;
  std::unique_ptr<Workers> workers_;  // stops before the input goes
};

CursorPtr MapNode::open(const Pass& pass) const {
  auto later = std::make_unique<Later>(*this, pass);
  if (!threads_) return later;
  const std::int64_t threads = thread_count(*threads_);
  return std::make_unique<AheadCursor>(
      timed(*this, pass, std::move(later), false),
      threads,
      multiply_counts(2, threads),
      ordered_,
      pass.stop);
}

class PrefetchNode final : public Node {
 public:
  PrefetchNode(NodePtr input, std::int64_t size)
      : Node({std::move(input)}), size_(size) {}

  CursorPtr open(const Pass& pass) const override {
    return std::make_unique<AheadCursor>(
        input().start(pass), 1, size_, true, pass.stop);
  }

  std::int64_t cardinality() const override { return input().cardinality(); }

  std::string describe() const override { return "prefetch"; }

 private:
  std::int64_t size_;
};

}  // namespace

NodePtr make_map(
    NodePtr input,
    MapFunction f,
    const MapOptions& options,
    std::string label) {
  return std::make_shared<MapNode>(
      std::move(input), std::move(f), options, std::move(label));
}

NodePtr make_prefetch(NodePtr input, std::int64_t size) {
  return std::make_shared<PrefetchNode>(std::move(input), size);
}

}  // namespace keratin::data

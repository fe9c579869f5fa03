// Several datasets, or several parts, made one: zip, interleave, enumerate.

#include <algorithm>
#include <limits>
#include <utility>

#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

class ZipNode final : public Node {
 public:
  explicit ZipNode(std::vector<NodePtr> inputs) : Node(std::move(inputs)) {}

  CursorPtr open(const Pass& pass) const override {
    class Side final : public Cursor {
     public:
      explicit Side(std::vector<CursorPtr> inputs)
          : inputs_(std::move(inputs)) {}

      bool next(Pending& out) override {
        auto parts = std::make_shared<std::vector<Pending>>(inputs_.size());
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
          if (!inputs_[i]->next((*parts)[i])) return false;
        }
        out = Pending([parts] { return join(*parts); });
        return true;
      }

      std::int64_t skip(std::int64_t count) override {
        for (const CursorPtr& input : inputs_) count = input->skip(count);
        return count;
      }

     private:
      static Element join(std::vector<Pending>& parts) {
        Element element;
        element.x = parts[0].take().x;
        if (parts.size() > 1) element.y = parts[1].take().x;
        if (parts.size() > 2) element.sample_weight = parts[2].take().x;
        return element;
      }

      std::vector<CursorPtr> inputs_;
    };

    std::vector<CursorPtr> cursors;
    for (const NodePtr& input : inputs()) cursors.push_back(input->start(pass));
    return std::make_unique<Side>(std::move(cursors));
  }

  std::int64_t cardinality() const override {
    std::int64_t least = Dataset::kInfinite;
    for (const NodePtr& input : inputs()) {
      const std::int64_t count = input->cardinality();
      if (count == Dataset::kUnknownCardinality) return count;
      if (count == Dataset::kInfinite) continue;
      least = least == Dataset::kInfinite ? count : std::min(least, count);
    }
    return least;
  }

  std::string describe() const override {
    return format("zip({})", inputs().size());
  }
};

class InterleaveNode final : public SeededNode {
 public:
  InterleaveNode(
      NodePtr input,
      std::function<Dataset(const Element&)> f,
      const InterleaveOptions& options)
      : SeededNode({std::move(input)}), f_(std::move(f)), options_(options) {}

  CursorPtr open(const Pass& pass) const override {
    class Cycle final : public Cursor {
     public:
      Cycle(const InterleaveNode& node, const Pass& pass)
          : node_(node),
            pass_(pass),
            seed_(node.seed(pass)),
            input_(node.input().start(pass)) {}

      bool next(Pending& out) override {
        while (!ended_ || open_count_ > 0) {
          check_stop();
          if (at_ == open_.size()) {
            // Places are made when something may go there: the cycle may be
            // far longer than the input.
            if (ended_) {
              at_ = 0;
            } else {
              open_.emplace_back();
            }
          }
          Place& place = open_[at_];
          if (!place.cursor && !fill(place)) {
            advance();
            continue;
          }
          if (place.cursor->next(out)) {
            // Elements that were not made yet may outlive the place.
            out.keep(place.dataset->node());
            if (++given_ == node_.options_.block_length) advance();
            return true;
          }
          place = {};
          --open_count_;
          advance();
        }
        return false;
      }

     private:
      /// A dataset that is open; it keeps its nodes alive.
      struct Place {
        std::optional<Dataset> dataset;
        CursorPtr cursor;
      };

      void advance() {
        given_ = 0;
        const auto length =
            static_cast<std::size_t>(node_.options_.cycle_length);
        at_ = at_ + 1 == length ? 0 : at_ + 1;
      }

      bool fill(Place& place) {
        Pending pending;
        if (ended_ || !input_->next(pending)) {
          ended_ = true;
          return false;
        }
        const std::uint64_t seed =
            mix_seed(seed_, static_cast<std::uint64_t>(count_), 0);
        make_numbered("interleave", count_++, [&] {
          const NestedSeeds nested(seed);
          place.dataset = node_.f_(pending.take());
          return Element{};
        });
        const Node& root = *place.dataset->node();
        place.cursor = root.start(nested_pass(root, seed));
        ++open_count_;
        return true;
      }

      /// Seeds that the caller did not choose follow from this node's, so
      /// that its own is all that a state must hold.
      Pass nested_pass(const Node& root, std::uint64_t seed) const {
        Pass nested = pass_;
        std::uint64_t number = 0;
        for (const SeededNode* node : seeded_nodes(root)) {
          if (node->seed_is_given()) continue;
          nested.seeds[node] = mix_seed(seed, number++, 1);
        }
        return nested;
      }

      const InterleaveNode& node_;
      Pass pass_;
      std::uint64_t seed_;
      CursorPtr input_;
      std::vector<Place> open_;
      std::size_t at_ = 0;
      std::size_t open_count_ = 0;
      std::int64_t given_ = 0;  // of the block at this place
      std::int64_t count_ = 0;
      bool ended_ = false;
    };

    return std::make_unique<Cycle>(*this, pass);
  }

  std::int64_t cardinality() const override {
    return input().cardinality() == 0 ? 0 : Dataset::kUnknownCardinality;
  }

  std::string describe() const override {
    return format(
        "interleave({}, {})", options_.cycle_length, options_.block_length);
  }

 private:
  std::function<Dataset(const Element&)> f_;
  InterleaveOptions options_;
};

Element with_index(Element element, std::int64_t index) {
  std::vector<TensorSet::Named> named;
  named.emplace_back("index", Tensor(index));
  const TensorSet& x = element.x;
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::string name = !x.names().empty() ? x.names()[i]
                       : x.size() == 1    ? std::string("x")
                                          : format("x/{}", i);
    named.emplace_back(std::move(name), x.tensors()[i]);
  }
  element.x = TensorSet(std::move(named));
  return element;
}

class EnumerateNode final : public Node {
 public:
  EnumerateNode(NodePtr input, std::int64_t start)
      : Node({std::move(input)}), start_(start) {}

  CursorPtr open(const Pass& pass) const override {
    class Counter final : public Cursor {
     public:
      Counter(CursorPtr input, std::int64_t start)
          : input_(std::move(input)), index_(start) {}

      bool next(Pending& out) override {
        // tf.data counts with a range, which ends at the greatest number.
        if (index_ == kLast || !input_->next(out)) return false;
        auto from = std::make_shared<Pending>(std::move(out));
        out = Pending([from, index = index_++] {
          return with_index(from->take(), index);
        });
        return true;
      }

      std::int64_t skip(std::int64_t count) override {
        if (index_ > 0) count = std::min(count, kLast - index_);
        const std::int64_t skipped = input_->skip(count);
        index_ += skipped;
        return skipped;
      }

     private:
      CursorPtr input_;
      std::int64_t index_;
    };

    return std::make_unique<Counter>(input().start(pass), start_);
  }

  std::int64_t cardinality() const override {
    const std::int64_t count = input().cardinality();
    if (start_ <= 0 || count == Dataset::kUnknownCardinality) return count;
    if (count == Dataset::kInfinite) return kLast - start_;
    return std::min(count, kLast - start_);
  }

  std::string describe() const override {
    return format("enumerate({})", start_);
  }

 private:
  static constexpr std::int64_t kLast =
      std::numeric_limits<std::int64_t>::max();

  std::int64_t start_;
};

}  // namespace

NodePtr make_zip(std::vector<NodePtr> inputs) {
  return std::make_shared<ZipNode>(std::move(inputs));
}

NodePtr make_interleave(
    NodePtr input,
    std::function<Dataset(const Element&)> f,
    const InterleaveOptions& options) {
  return std::make_shared<InterleaveNode>(
      std::move(input), std::move(f), options);
}

NodePtr make_enumerate(NodePtr input, std::int64_t start) {
  return std::make_shared<EnumerateNode>(std::move(input), start);
}

}  // namespace keratin::data

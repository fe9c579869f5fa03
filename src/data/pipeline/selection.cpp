// Which elements, in which order: shuffle, repeat, take, skip, shard, filter,
// concatenate.

#include <algorithm>
#include <utility>

#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

class ShuffleNode final : public SeededNode {
 public:
  ShuffleNode(
      NodePtr input, std::int64_t buffer_size, const ShuffleOptions& options)
      : SeededNode({std::move(input)}, options.seed),
        buffer_size_(buffer_size),
        again_(options.reshuffle_each_iteration) {}

  CursorPtr open(const Pass& pass) const override {
    class Buffer final : public Cursor {
     public:
      Buffer(CursorPtr input, std::int64_t size, std::uint64_t seed)
          : input_(std::move(input)),
            size_(static_cast<std::size_t>(size)),
            seed_(seed) {}

      bool next(Pending& out) override {
        Pending given;
        while (!ended_ && buffer_.size() < size_) {
          check_stop();
          ended_ = !input_->next(given);
          if (!ended_) buffer_.push_back(std::move(given));
        }
        if (buffer_.empty()) return false;
        // A 64-bit draw: the bias is below 2^-32 for any buffer that fits.
        const std::size_t at = mix_seed(seed_, count_++, 0) % buffer_.size();
        out = std::move(buffer_[at]);
        if (at + 1 != buffer_.size()) buffer_[at] = std::move(buffer_.back());
        buffer_.pop_back();
        return true;
      }

     private:
      CursorPtr input_;
      std::size_t size_;
      std::uint64_t seed_;
      std::uint64_t count_ = 0;
      bool ended_ = false;
      std::vector<Pending> buffer_;
    };

    const auto epoch = static_cast<std::uint64_t>(again_ ? pass.epoch : 0);
    return std::make_unique<Buffer>(
        input().start(pass), buffer_size_, mix_seed(seed(pass), epoch, 1));
  }

  std::int64_t cardinality() const override { return input().cardinality(); }

  std::string describe() const override {
    return format("shuffle({}, {})", buffer_size_, again_);
  }

 private:
  std::int64_t buffer_size_;
  bool again_;
};

class RepeatNode final : public Node {
 public:
  RepeatNode(NodePtr input, std::optional<std::int64_t> count)
      : Node({std::move(input)}), count_(count) {}

  CursorPtr open(const Pass& pass) const override {
    class Passes final : public Cursor {
     public:
      Passes(const RepeatNode& node, Pass pass)
          : node_(node), pass_(std::move(pass)) {}

      bool next(Pending& out) override {
        while (open()) {
          if (cursor_->next(out)) {
            empty_ = false;
            return true;
          }
          close();
        }
        return false;
      }

      std::int64_t skip(std::int64_t count) override {
        std::int64_t skipped = skip_whole(count);
        while (skipped < count && open()) {
          const std::int64_t some = cursor_->skip(count - skipped);
          if (some > 0) empty_ = false;
          skipped += some;
          if (skipped < count) close();
        }
        return skipped;
      }

     private:
      /// Whole repetitions of a known length, which need not be started.
      std::int64_t skip_whole(std::int64_t count) {
        const std::int64_t length = node_.input().cardinality();
        if (cursor_ || length < 1) return 0;
        std::int64_t times = count / length;
        if (node_.count_) times = std::min(times, *node_.count_ - done_);
        if (times > 0) empty_ = false;
        done_ += times;
        return times * length;
      }

      bool open() {
        if (cursor_) return true;
        // Without elements a repetition for ever would never give any.
        const bool over =
            node_.count_ ? done_ >= *node_.count_ : done_ > 0 && empty_;
        if (over) return false;
        // Every repetition is an epoch of its own.
        cursor_ = node_.input().start(pass_.in_epoch(epoch()));
        empty_ = true;
        return true;
      }

      std::int64_t epoch() const {
        const std::int64_t times = node_.count_.value_or(std::int64_t{1} << 32);
        std::int64_t number = 0;
        if (!__builtin_mul_overflow(pass_.epoch, times, &number) &&
            !__builtin_add_overflow(number, done_, &number)) {
          return number;
        }
        // Repetitions of repetitions run out of numbers: any other one.
        return static_cast<std::int64_t>(
            mix_seed(
                static_cast<std::uint64_t>(pass_.epoch),
                static_cast<std::uint64_t>(times),
                static_cast<std::uint64_t>(done_)) >>
            1);
      }

      void close() {
        cursor_.reset();
        ++done_;
      }

      const RepeatNode& node_;
      Pass pass_;
      CursorPtr cursor_;
      std::int64_t done_ = 0;
      bool empty_ = true;
    };

    return std::make_unique<Passes>(*this, pass);
  }

  std::int64_t cardinality() const override {
    const std::int64_t once = input().cardinality();
    if (count_ == 0 || once == 0) return 0;
    if (!count_) return Dataset::kInfinite;
    return map_count(
        once, [&](std::int64_t n) { return multiply_counts(n, *count_); });
  }

  std::string describe() const override {
    return format("repeat({})", count_.value_or(-1));
  }

 private:
  std::optional<std::int64_t> count_;
};

/// Elements from `skip` on, `take` of them (all when negative).
class WindowNode final : public Node {
 public:
  WindowNode(NodePtr input, std::int64_t skip, std::int64_t take)
      : Node({std::move(input)}), skip_(skip), take_(take) {}

  CursorPtr open(const Pass& pass) const override {
    class Window final : public Cursor {
     public:
      Window(CursorPtr input, std::int64_t skip, std::int64_t take)
          : input_(std::move(input)), skip_(skip), left_(take) {}

      bool next(Pending& out) override {
        if (!begin(1)) return false;
        if (!input_->next(out)) return false;
        if (left_ > 0) --left_;
        return true;
      }

      std::int64_t skip(std::int64_t count) override {
        if (!begin(count)) return 0;
        if (left_ >= 0) count = std::min(count, left_);
        const std::int64_t skipped = input_->skip(count);
        if (left_ > 0) left_ -= skipped;
        return skipped;
      }

     private:
      bool begin(std::int64_t wanted) {
        if (left_ == 0 || wanted == 0) return false;
        if (skip_ > 0) input_->skip(std::exchange(skip_, 0));
        return true;
      }

      CursorPtr input_;
      std::int64_t skip_;
      std::int64_t left_;
    };

    return std::make_unique<Window>(input().start(pass), skip_, take_);
  }

  std::int64_t cardinality() const override {
    const std::int64_t all = input().cardinality();
    if (take_ == 0) return 0;
    if (all == Dataset::kInfinite) return take_ < 0 ? all : take_;
    return map_count(all, [&](std::int64_t n) {
      const std::int64_t rest = std::max<std::int64_t>(n - skip_, 0);
      return take_ < 0 ? rest : std::min(rest, take_);
    });
  }

  std::string describe() const override {
    return format("window({}, {})", skip_, take_);
  }

 private:
  std::int64_t skip_;
  std::int64_t take_;
};

class ShardNode final : public Node {
 public:
  ShardNode(NodePtr input, std::int64_t num_shards, std::int64_t index)
      : Node({std::move(input)}), num_shards_(num_shards), index_(index) {}

  CursorPtr open(const Pass& pass) const override {
    class Shard final : public Cursor {
     public:
      Shard(CursorPtr input, const ShardNode& node)
          : input_(std::move(input)), node_(node), before_(node.index_) {}

      bool next(Pending& out) override {
        if (input_->skip(before_) < before_) return false;
        before_ = node_.num_shards_ - 1;
        return input_->next(out);
      }

     private:
      CursorPtr input_;
      const ShardNode& node_;
      std::int64_t before_;
    };

    return std::make_unique<Shard>(input().start(pass), *this);
  }

  std::int64_t cardinality() const override {
    return map_count(input().cardinality(), [&](std::int64_t n) {
      return n <= index_ ? 0 : (n - index_ - 1) / num_shards_ + 1;
    });
  }

  std::string describe() const override {
    return format("shard({}, {})", num_shards_, index_);
  }

 private:
  std::int64_t num_shards_;
  std::int64_t index_;
};

class FilterNode final : public Node {
 public:
  FilterNode(NodePtr input, std::function<bool(const Element&)> keep)
      : Node({std::move(input)}), keep_(std::move(keep)) {}

  CursorPtr open(const Pass& pass) const override {
    class Sieve final : public Cursor {
     public:
      Sieve(CursorPtr input, const std::function<bool(const Element&)>& keep)
          : input_(std::move(input)), keep_(keep) {}

      bool next(Pending& out) override {
        while (input_->next(out)) {
          check_stop();
          bool kept = false;
          Element element = make_numbered("filter", count_++, [&] {
            Element made = out.take();
            kept = keep_(made);
            return made;
          });
          if (!kept) continue;
          out = Pending(std::move(element));
          return true;
        }
        return false;
      }

     private:
      CursorPtr input_;
      const std::function<bool(const Element&)>& keep_;
      std::int64_t count_ = 0;
    };

    return std::make_unique<Sieve>(input().start(pass), keep_);
  }

  std::int64_t cardinality() const override {
    return input().cardinality() == 0 ? 0 : Dataset::kUnknownCardinality;
  }

  std::string describe() const override { return "filter"; }

 private:
  std::function<bool(const Element&)> keep_;
};

class ConcatenateNode final : public Node {
 public:
  ConcatenateNode(NodePtr first, NodePtr second)
      : Node({std::move(first), std::move(second)}) {}

  CursorPtr open(const Pass& pass) const override {
    class Chain final : public Cursor {
     public:
      Chain(CursorPtr first, CursorPtr second)
          : first_(std::move(first)), second_(std::move(second)) {}

      bool next(Pending& out) override {
        return first_->next(out) || second_->next(out);
      }

      std::int64_t skip(std::int64_t count) override {
        const std::int64_t skipped = first_->skip(count);
        return skipped == count ? count
                                : skipped + second_->skip(count - skipped);
      }

     private:
      CursorPtr first_;
      CursorPtr second_;
    };

    return std::make_unique<Chain>(
        inputs()[0]->start(pass), inputs()[1]->start(pass));
  }

  std::int64_t cardinality() const override {
    const std::int64_t first = inputs()[0]->cardinality();
    const std::int64_t second = inputs()[1]->cardinality();
    if (first == Dataset::kInfinite || second == Dataset::kInfinite) {
      return Dataset::kInfinite;
    }
    if (first < 0 || second < 0) return Dataset::kUnknownCardinality;
    return add_counts(first, second);
  }

  std::string describe() const override { return "concatenate"; }
};

}  // namespace

NodePtr make_shuffle(
    NodePtr input, std::int64_t buffer_size, const ShuffleOptions& options) {
  return std::make_shared<ShuffleNode>(std::move(input), buffer_size, options);
}

NodePtr make_repeat(NodePtr input, std::optional<std::int64_t> count) {
  return std::make_shared<RepeatNode>(std::move(input), count);
}

NodePtr make_take(NodePtr input, std::int64_t count) {
  return std::make_shared<WindowNode>(std::move(input), 0, count);
}

NodePtr make_skip(NodePtr input, std::int64_t count) {
  // -1: everything is passed over.
  return count < 0 ? make_take(std::move(input), 0)
                   : std::make_shared<WindowNode>(std::move(input), count, -1);
}

NodePtr make_shard(NodePtr input, std::int64_t num_shards, std::int64_t index) {
  return std::make_shared<ShardNode>(std::move(input), num_shards, index);
}

NodePtr make_filter(NodePtr input, std::function<bool(const Element&)> keep) {
  return std::make_shared<FilterNode>(std::move(input), std::move(keep));
}

NodePtr make_concatenate(NodePtr first, NodePtr second) {
  return std::make_shared<ConcatenateNode>(std::move(first), std::move(second));
}

}  // namespace keratin::data

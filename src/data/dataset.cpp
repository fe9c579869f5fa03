#include <charconv>
#include <map>
#include <utility>

#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/data/pipeline/nodes.hpp"

namespace keratin::data {
namespace {

void require(
    bool holds, const char* who, const char* expected, std::int64_t got) {
  if (holds) return;
  throw InvalidArgument(
      format("[dataset {}] expected {}, got {}", who, expected, got));
}

[[noreturn]] void fail_resume(const std::string& what) {
  throw InvalidArgument(format("[dataset resume] {}", what));
}

/// A count in an iterator's state.
std::int64_t count_in(const Config& state, const char* key) {
  const Config& value = state.at(key);
  if (!value.is_int() || value.as_int() < 0) {
    fail_resume(format(
        "expected {} as an integer >= 0, got {}; give it what "
        "DatasetIterator::state returned",
        key,
        value.dump()));
  }
  return value.as_int();
}

/// The seeds in an iterator's state, by their nodes.
std::map<const SeededNode*, std::uint64_t> seeds_in(
    const Config& state, const Node& root) {
  const auto nodes = seeded_nodes(root);
  const Config& seeds = state.at("seeds");
  if (!seeds.is_array() || seeds.as_array().size() != nodes.size()) {
    fail_resume(format(
        "expected seeds as an array of {} texts, got {}",
        nodes.size(),
        seeds.dump()));
  }
  std::map<const SeededNode*, std::uint64_t> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Config& seed = seeds.as_array()[i];
    const std::string text = seed.is_string() ? seed.as_string() : "";
    const auto [end, code] = std::from_chars(
        text.data(), text.data() + text.size(), found[nodes[i]]);
    if (code != std::errc{} || end != text.data() + text.size()) {
      fail_resume(format(
          "expected a whole number below 2^64 as text in seeds[{}], got {}",
          i,
          seed.dump()));
    }
  }
  return found;
}

}  // namespace

namespace detail {

const Tensor& only(const TensorSet& set, const char* part) {
  if (set.size() != 1) {
    throw InvalidArgument(format(
        "expected one tensor as {}, got {}; take the whole Element",
        part,
        set.size()));
  }
  return set.tensors()[0];
}

}  // namespace detail

Dataset Dataset::from_tensor_slices(
    TensorSet x, TensorSet y, TensorSet sample_weight) {
  return Dataset(
      make_slices({std::move(x), std::move(y), std::move(sample_weight)}));
}

Dataset Dataset::from_tensors(
    TensorSet x, TensorSet y, TensorSet sample_weight) {
  return Dataset(
      make_single({std::move(x), std::move(y), std::move(sample_weight)}));
}

Dataset Dataset::from_generator(std::function<Generator()> start) {
  return Dataset(make_generator(std::move(start)));
}

Dataset Dataset::range(
    std::int64_t start, std::int64_t stop, std::int64_t step) {
  require(step != 0, "range", "step other than 0", step);
  return Dataset(make_range(start, stop, step));
}

Dataset Dataset::zip(const std::vector<Dataset>& datasets) {
  require(
      !datasets.empty() && datasets.size() <= 3,
      "zip",
      "1 to 3 datasets (x, y, sample_weight)",
      static_cast<std::int64_t>(datasets.size()));
  std::vector<NodePtr> nodes;
  for (const Dataset& dataset : datasets) nodes.push_back(dataset.node());
  return Dataset(make_zip(std::move(nodes)));
}

Dataset Dataset::map_elements(MapFunction f, const MapOptions& options) const {
  if (options.num_parallel_calls) {
    const std::int64_t calls = *options.num_parallel_calls;
    require(
        calls >= 1 || calls == kAutotune,
        "map",
        "num_parallel_calls >= 1 or kAutotune",
        calls);
  }
  return Dataset(make_map(node_, std::move(f), options));
}

Dataset Dataset::filter_elements(
    std::function<bool(const Element&)> keep) const {
  return Dataset(make_filter(node_, std::move(keep)));
}

Dataset Dataset::shuffle(
    std::int64_t buffer_size, const ShuffleOptions& options) const {
  require(buffer_size >= 1, "shuffle", "buffer_size >= 1", buffer_size);
  return Dataset(make_shuffle(node_, buffer_size, options));
}

Dataset Dataset::batch(
    std::int64_t batch_size, const BatchOptions& options) const {
  require(batch_size >= 1, "batch", "batch_size >= 1", batch_size);
  return Dataset(make_batch(node_, batch_size, options.drop_remainder));
}

Dataset Dataset::padded_batch(
    std::int64_t batch_size, const PaddedBatchOptions& options) const {
  require(batch_size >= 1, "padded_batch", "batch_size >= 1", batch_size);
  return Dataset(make_padded_batch(node_, batch_size, options));
}

Dataset Dataset::unbatch() const {
  return Dataset(make_unbatch(node_));
}

Dataset Dataset::repeat(std::optional<std::int64_t> count) const {
  if (count && *count == -1) count.reset();  // as in tf.data
  if (count) require(*count >= 0, "repeat", "count >= 0, or -1", *count);
  return Dataset(make_repeat(node_, count));
}

Dataset Dataset::take(std::int64_t count) const {
  require(count >= -1, "take", "count >= 0, or -1", count);
  return Dataset(make_take(node_, count));
}

Dataset Dataset::skip(std::int64_t count) const {
  require(count >= -1, "skip", "count >= 0, or -1", count);
  return Dataset(make_skip(node_, count));
}

Dataset Dataset::shard(std::int64_t num_shards, std::int64_t index) const {
  require(num_shards >= 1, "shard", "num_shards >= 1", num_shards);
  require(
      index >= 0 && index < num_shards,
      "shard",
      "an index from 0 to num_shards - 1",
      index);
  return Dataset(make_shard(node_, num_shards, index));
}

Dataset Dataset::cache(const std::string& filename) const {
  return Dataset(
      filename.empty() ? make_memory_cache(node_)
                       : make_file_cache(node_, filename));
}

Dataset Dataset::prefetch(std::int64_t buffer_size) const {
  if (buffer_size == kAutotune) buffer_size = 2;
  require(
      buffer_size >= 1,
      "prefetch",
      "buffer_size >= 1 or kAutotune",
      buffer_size);
  return Dataset(make_prefetch(node_, buffer_size));
}

Dataset Dataset::concatenate(const Dataset& other) const {
  return Dataset(make_concatenate(node_, other.node()));
}

Dataset Dataset::interleave(
    std::function<Dataset(const Element&)> f,
    const InterleaveOptions& options) const {
  require(
      options.cycle_length >= 1,
      "interleave",
      "cycle_length >= 1",
      options.cycle_length);
  require(
      options.block_length >= 1,
      "interleave",
      "block_length >= 1",
      options.block_length);
  return Dataset(make_interleave(node_, std::move(f), options));
}

Dataset Dataset::enumerate(std::int64_t start) const {
  return Dataset(make_enumerate(node_, start));
}

std::int64_t Dataset::cardinality() const {
  return node_->cardinality();
}

std::vector<ElementSpec> Dataset::element_spec() const {
  const std::optional<Element> first = iterate().next();
  if (!first) return {};
  const std::vector<std::string> names = names_of(*first);
  const std::vector<Tensor> tensors = tensors_of(*first);
  std::vector<ElementSpec> specs;
  for (std::size_t i = 0; i < names.size(); ++i) {
    specs.push_back({names[i], tensors[i].dtype(), tensors[i].shape()});
  }
  return specs;
}

/// One pass of an iterator.
class DatasetIterator::Pass {
 public:
  Pass(NodePtr root, data::Pass pass)
      : root_(std::move(root)),
        pass_(with_end(std::move(pass))),
        cursor_(root_->start(pass_)) {}

  // Before the cursor goes, and waits for its threads.
  ~Pass() { end_.flag()->set(); }

  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  std::optional<Element> next() {
    Pending pending;
    if (!cursor_->next(pending)) return std::nullopt;
    ++position_;
    return pending.take();
  }

  std::int64_t position() const { return position_; }

  void skip(std::int64_t count) { position_ += cursor_->skip(count); }

  Config state() const {
    Config::Array seeds;
    for (const SeededNode* node : seeded_nodes(*root_)) {
      seeds.emplace_back(format("{}", node->seed(pass_)));
    }
    return Config::object({
        {"pipeline", describe_tree(*root_)},
        {"epoch", pass_.epoch},
        {"position", position_},
        {"seeds", std::move(seeds)},
    });
  }

  /// The element that `*iterator` refers to; read when first asked for.
  std::optional<Element>& current() {
    if (!read_) current_ = next();
    read_ = true;
    return current_;
  }

  void advance() {
    current();
    read_ = false;
  }

 private:
  data::Pass with_end(data::Pass pass) const {
    pass.stop = end_.flag();
    return pass;
  }

  PassEnd end_;
  NodePtr root_;  // outlives the cursor
  data::Pass pass_;
  CursorPtr cursor_;
  std::int64_t position_ = 0;
  std::optional<Element> current_;
  bool read_ = false;
};

DatasetIterator Dataset::iterate(std::int64_t epoch) const {
  require(epoch >= 0, "iterate", "epoch >= 0", epoch);
  return DatasetIterator(
      std::make_unique<DatasetIterator::Pass>(node_, Pass{epoch}));
}

DatasetIterator Dataset::resume(const Config& state) const {
  for (const char* key : {"pipeline", "epoch", "position", "seeds"}) {
    if (state.is_object() && state.contains(key)) continue;
    fail_resume(format(
        "expected an object with pipeline, epoch, position and seeds, got one "
        "without {}; give it what DatasetIterator::state returned",
        key));
  }
  if (!(state.at("pipeline") == Config(describe_tree(*node_)))) {
    fail_resume("expected the state of an equal pipeline, got another's");
  }
  // All of it before anything runs: a cache fills as elements go by.
  Pass pass{count_in(state, "epoch"), seeds_in(state, *node_)};
  const std::int64_t position = count_in(state, "position");
  const auto check_length = [&](std::int64_t length) {
    if (position <= length) return;
    fail_resume(format(
        "expected a position from 0 to {}, the number of elements of this "
        "pipeline, got {}; build it of the data that the state was made with",
        length,
        position));
  };
  const std::int64_t length = cardinality();
  if (length >= 0) check_length(length);
  auto resumed =
      std::make_unique<DatasetIterator::Pass>(node_, std::move(pass));
  resumed->skip(position);
  check_length(resumed->position());
  return DatasetIterator(std::move(resumed));
}

DatasetIterator Dataset::begin() const {
  return iterate();
}

DatasetIterator::DatasetIterator(std::unique_ptr<Pass> pass)
    : pass_(std::move(pass)) {}

DatasetIterator::DatasetIterator(DatasetIterator&&) noexcept = default;
DatasetIterator& DatasetIterator::operator=(DatasetIterator&&) noexcept =
    default;
DatasetIterator::~DatasetIterator() = default;

std::optional<Element> DatasetIterator::next() {
  return pass_->next();
}

std::int64_t DatasetIterator::position() const {
  return pass_->position();
}

Config DatasetIterator::state() const {
  return pass_->state();
}

const Element& DatasetIterator::operator*() const {
  return *pass_->current();
}

DatasetIterator& DatasetIterator::operator++() {
  pass_->advance();
  return *this;
}

bool DatasetIterator::operator==(std::default_sentinel_t /*end*/) const {
  return !pass_->current();
}

}  // namespace keratin::data

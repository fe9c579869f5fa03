#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/tensor.hpp>
#include <keratin/tensor_set.hpp>

namespace keratin::data {

class Node;

/// What a dataset yields, one at a time: inputs and, where there are any,
/// targets and sample weights, as `fit` takes them. A component may be a set
/// of several tensors, in order or by name.
struct Element {
  TensorSet x;
  TensorSet y = {};
  TensorSet sample_weight = {};
};

/// Dtype and shape of one tensor of an element, "x", "y", "x/image", "x/1".
struct ElementSpec {
  std::string name;
  DType dtype;
  Shape shape;
};

/// What a function given to `map` may make its random draws of: the same for
/// one element of one pass, whatever the number of threads.
struct MapContext {
  std::int64_t number;  // of the element in this pass, from 0
  std::int64_t epoch;   // of the pass, from 0
  std::uint64_t seed;   // differs for every element and pass
};

/// Instead of a number of threads: as many as there are cores to use.
inline constexpr std::int64_t kAutotune = -1;

struct MapOptions {
  /// Elements worked on at a time, each on a thread of its own; without, one
  /// after the other on the thread that asks.
  std::optional<std::int64_t> num_parallel_calls = {};
  bool deterministic = true;  // else in the order in which they get ready
  std::optional<std::uint64_t> seed = {};  // of MapContext::seed
};

struct ShuffleOptions {
  std::optional<std::uint64_t> seed = {};
  bool reshuffle_each_iteration = true;
};

struct BatchOptions {
  bool drop_remainder = false;
};

struct PaddedBatchOptions {
  /// Per tensor of an element in order (x, y, sample_weight); kUnknown, or no
  /// entry, pads to the longest of the batch.
  std::vector<Shape> padded_shapes = {};
  /// Per tensor, likewise; 0 or "" where there is none.
  std::vector<Tensor> padding_values = {};
  bool drop_remainder = false;
};

struct InterleaveOptions {
  std::int64_t cycle_length = 16;
  std::int64_t block_length = 1;
};

class DatasetIterator;

/// A lazy pipeline of elements, in tf.data's words: every function returns a
/// new dataset and computes nothing; elements are made when they are asked
/// for, over and over in every pass.
///
/// The order of elements and what is drawn in `map` depend on seeds alone, not
/// on the number of threads (except with `deterministic = false`). Functions
/// given to `map` and `filter` must not depend on how often or in which order
/// they are called; with `num_parallel_calls` several run at once. What they
/// throw reaches the one who asks for elements, as the same kind of error,
/// with the element's number in front.
///
/// A Dataset is an immutable, cheap handle; different threads may iterate over
/// the same one.
class KERATIN_API Dataset {
 public:
  /// Elements counted by `cardinality`.
  static constexpr std::int64_t kInfinite = -1;
  static constexpr std::int64_t kUnknownCardinality = -2;

  /// One element for each row of the first axis of the arrays.
  static Dataset from_tensor_slices(
      TensorSet x, TensorSet y = {}, TensorSet sample_weight = {});

  /// One element: the arrays.
  static Dataset from_tensors(
      TensorSet x, TensorSet y = {}, TensorSet sample_weight = {});

  /// Gives the next element, or nothing at the end.
  using Generator = std::function<std::optional<Element>()>;

  /// Elements from a function. `start` is called at the begin of every pass.
  static Dataset from_generator(std::function<Generator()> start);

  /// i64 scalars start, start + step, ... before stop. Throws InvalidArgument
  /// for step 0.
  static Dataset range(
      std::int64_t start, std::int64_t stop, std::int64_t step = 1);

  static Dataset range(std::int64_t stop) { return range(0, stop); }

  /// Elements of several datasets side by side: x of the first, y of the
  /// second, sample_weight of the third (their own x each). Ends with the
  /// shortest.
  static Dataset zip(const std::vector<Dataset>& datasets);

  /// `f` applied to every element. It takes an Element and returns one, or
  /// takes and returns x: [Tensor], or x and y: [std::pair of Tensors]; a
  /// MapContext may come last.
  template <class F>
  Dataset map(F f, const MapOptions& options = {}) const;

  /// Elements for which `keep` (of an Element, or of x, or x and y) holds.
  template <class F>
  Dataset filter(F keep) const;

  /// Random order through a buffer: each element given is drawn from the next
  /// `buffer_size`. Elements in the buffer are not computed yet if they need
  /// not be, so that a buffer as long as the data is cheap.
  Dataset shuffle(
      std::int64_t buffer_size, const ShuffleOptions& options = {}) const;

  /// Elements of equal shape stacked along a new first axis.
  Dataset batch(
      std::int64_t batch_size, const BatchOptions& options = {}) const;

  /// As batch, of tensors whose shapes differ: padded at their ends.
  Dataset padded_batch(
      std::int64_t batch_size, const PaddedBatchOptions& options = {}) const;

  /// Rows of each element, one element each: undoes batch.
  Dataset unbatch() const;

  /// The whole `count` times; without a count, for ever.
  Dataset repeat(std::optional<std::int64_t> count = {}) const;

  Dataset take(std::int64_t count) const;  // -1: all
  Dataset skip(std::int64_t count) const;  // -1: all

  /// Every `num_shards`-th element, from `index` on.
  Dataset shard(std::int64_t num_shards, std::int64_t index) const;

  /// Elements kept as they are once a pass has come to its end: in memory, or
  /// in the file `filename`, which is used again by later runs. A file that is
  /// damaged or of other data is an error that names it.
  Dataset cache(const std::string& filename = {}) const;

  /// Up to `buffer_size` elements made ahead on a thread of their own.
  Dataset prefetch(std::int64_t buffer_size) const;

  /// These elements, then those of `other`.
  Dataset concatenate(const Dataset& other) const;

  /// Elements of the datasets that `f` makes of each element, `cycle_length`
  /// of them open at a time, `block_length` elements of each in turn.
  Dataset interleave(
      std::function<Dataset(const Element&)> f,
      const InterleaveOptions& options = {}) const;

  /// A first input "index", i64 scalars from `start` on, before the others
  /// (named "x", or "x/0", ... where they had no name).
  Dataset enumerate(std::int64_t start = 0) const;

  /// How many elements a pass has: kInfinite, kUnknownCardinality or a count.
  std::int64_t cardinality() const;

  /// What the first element looks like; makes it. Empty without elements.
  std::vector<ElementSpec> element_spec() const;

  /// A pass over the elements. Shuffling and random functions differ from
  /// epoch to epoch.
  DatasetIterator iterate(std::int64_t epoch = 0) const;

  /// Goes on where an iterator over the same pipeline stood, seeds included;
  /// elements given already are not made again unless a stage has to (filter,
  /// generators). Throws InvalidArgument for the state of another pipeline.
  DatasetIterator resume(const Config& state) const;

  /// For `for (const Element& e : dataset)`: the pass of epoch 0.
  DatasetIterator begin() const;

  std::default_sentinel_t end() const { return {}; }

  explicit Dataset(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  const std::shared_ptr<const Node>& node() const { return node_; }

 private:
  using MapFunction = std::function<Element(Element, const MapContext&)>;

  Dataset map_elements(MapFunction f, const MapOptions& options) const;
  Dataset filter_elements(std::function<bool(const Element&)> keep) const;

  std::shared_ptr<const Node> node_;
};

/// A position in a pass. One thread at a time; what works ahead of it stops
/// when it is destroyed.
class KERATIN_API DatasetIterator {
 public:
  class Pass;

  explicit DatasetIterator(std::unique_ptr<Pass> pass);
  DatasetIterator(DatasetIterator&&) noexcept;
  DatasetIterator& operator=(DatasetIterator&&) noexcept;
  ~DatasetIterator();

  /// The next element, or nothing at the end of the pass.
  std::optional<Element> next();

  /// Elements given so far.
  std::int64_t position() const;

  /// All that `Dataset::resume` needs to go on from here.
  Config state() const;

  // An input iterator, for range-based loops.
  const Element& operator*() const;
  DatasetIterator& operator++();
  bool operator==(std::default_sentinel_t) const;

 private:
  std::unique_ptr<Pass> pass_;
};

namespace detail {

/// The one tensor of a set; throws InvalidArgument naming the part.
KERATIN_API const Tensor& only(const TensorSet& set, const char* part);

/// Calls f with what it takes of an element: all of it, x, or x and y.
template <class F, class... Context>
decltype(auto) call_with_parts(
    F& f, const Element& element, const Context&... context) {
  if constexpr (std::is_invocable_v<F&, Element, const Context&...>) {
    return f(element, context...);
  } else if constexpr (std::is_invocable_v<F&, Element>) {
    return f(element);
  } else if constexpr (std::is_invocable_v<F&, Tensor, const Context&...>) {
    return f(only(element.x, "x"), context...);
  } else if constexpr (std::is_invocable_v<F&, Tensor>) {
    return f(only(element.x, "x"));
  } else if constexpr (
      std::is_invocable_v<F&, Tensor, Tensor, const Context&...>) {
    return f(only(element.x, "x"), only(element.y, "y"), context...);
  } else {
    return f(only(element.x, "x"), only(element.y, "y"));
  }
}

}  // namespace detail

template <class F>
Dataset Dataset::map(F f, const MapOptions& options) const {
  return map_elements(
      [f = std::move(f)](Element element, const MapContext& context) mutable {
        using Result = decltype(detail::call_with_parts(f, element, context));
        if constexpr (std::is_convertible_v<Result, Element>) {
          return Element(detail::call_with_parts(f, element, context));
        } else if constexpr (std::is_convertible_v<Result, Tensor>) {
          element.x = Tensor(detail::call_with_parts(f, element, context));
          return element;
        } else {
          auto [x, y] = detail::call_with_parts(f, element, context);
          element.x = std::move(x);
          element.y = std::move(y);
          return element;
        }
      },
      options);
}

template <class F>
Dataset Dataset::filter(F keep) const {
  return filter_elements([keep = std::move(keep)](const Element& e) mutable {
    return static_cast<bool>(detail::call_with_parts(keep, e));
  });
}

}  // namespace keratin::data

#include "src/data/pipeline/node.hpp"

#include <cstring>
#include <limits>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/philox.hpp"
#include "src/data/pipeline/stage_clock.hpp"

namespace keratin::data {
namespace {

template <class F>
TensorSet map_set(const TensorSet& set, const F& f) {
  std::vector<Tensor> tensors;
  tensors.reserve(set.size());
  for (const Tensor& tensor : set.tensors()) tensors.push_back(f(tensor));
  if (set.names().empty()) return {std::move(tensors)};
  std::vector<TensorSet::Named> named;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    named.emplace_back(set.names()[i], std::move(tensors[i]));
  }
  return {std::move(named)};
}

template <class F>
Element map_element(const Element& element, const F& f) {
  return {
      map_set(element.x, f),
      map_set(element.y, f),
      map_set(element.sample_weight, f)};
}

void append_names(
    std::vector<std::string>& names, const TensorSet& set, const char* part) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (!set.names().empty()) {
      names.push_back(format("{}/{}", part, set.names()[i]));
    } else if (set.size() == 1) {
      names.emplace_back(part);
    } else {
      names.push_back(format("{}/{}", part, i));
    }
  }
}

/// What an array adds to each of its rows.
Tensor gather_rows(
    const Tensor& from, const std::vector<std::int64_t>& indices) {
  if (from.dtype() == DType::string) return from.take(indices);
  Shape shape = from.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor out = Tensor::uninitialized(from.dtype(), shape);
  const std::size_t row_bytes =
      from.size_bytes() / static_cast<std::size_t>(from.shape()[0]);
  const auto* source = static_cast<const std::byte*>(from.raw());
  auto* to = static_cast<std::byte*>(out.mutable_raw());
  for (const std::int64_t index : indices) {
    std::memcpy(
        to, source + static_cast<std::size_t>(index) * row_bytes, row_bytes);
    to += row_bytes;
  }
  return out;
}

thread_local NestedSeeds* nested_seeds = nullptr;

std::uint64_t fresh_seed() {
  NestedSeeds* const nested = NestedSeeds::current();
  return nested != nullptr ? nested->next() : next_seed();
}

}  // namespace

RowSource::RowSource(Element arrays) : arrays_(std::move(arrays)) {
  const std::vector<Tensor> tensors = tensors_of(arrays_);
  const std::vector<std::string> names = names_of(arrays_);
  if (arrays_.x.empty()) {
    throw InvalidArgument(
        "[from_tensor_slices] expected at least one input, got none");
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].rank() == 0) {
      throw InvalidArgument(format(
          "[from_tensor_slices] {}: expected an array with a first axis, got a "
          "scalar; use from_tensors for one element",
          names[i]));
    }
    if (tensors[i].shape()[0] != tensors[0].shape()[0]) {
      throw InvalidArgument(format(
          "[from_tensor_slices] {} has {} rows where {} has {}",
          names[i],
          tensors[i].shape()[0],
          names[0],
          tensors[0].shape()[0]));
    }
  }
  rows_ = tensors[0].shape()[0];
}

Element RowSource::row(std::int64_t index) const {
  return map_element(arrays_, [&](const Tensor& t) { return t[index]; });
}

Element RowSource::gather(const std::vector<std::int64_t>& indices) const {
  return map_element(
      arrays_, [&](const Tensor& t) { return gather_rows(t, indices); });
}

Pending::Pending(Element element) : content_(std::make_unique<Content>()) {
  content_->element = std::move(element);
}

Pending::Pending(Make make) : content_(std::make_unique<Content>()) {
  content_->make = std::move(make);
}

Element Pending::take() {
  if (source_ != nullptr) return source_->row(row_);
  KERATIN_CHECK(content_ != nullptr);
  if (content_->make) return std::exchange(content_->make, {})();
  KERATIN_CHECK(content_->element.has_value());
  Element element = std::move(*content_->element);
  content_->element.reset();
  return element;
}

void Pending::keep(std::shared_ptr<const void> owner) {
  if (!content_) content_ = std::make_unique<Content>();
  content_->owners.push_back(std::move(owner));
}

std::int64_t Cursor::skip(std::int64_t count) {
  Pending unused;
  std::int64_t skipped = 0;
  while (skipped < count && next(unused)) {
    check_stop();
    ++skipped;
  }
  return skipped;
}

Node::Node(std::vector<NodePtr> inputs) : inputs_(std::move(inputs)) {}

CursorPtr Node::start(const Pass& pass) const {
  return timed(*this, pass, open(pass));
}

SeededNode::SeededNode(
    std::vector<NodePtr> inputs, std::optional<std::uint64_t> seed)
    : Node(std::move(inputs)),
      given_(seed.has_value()),
      seed_(seed ? *seed : fresh_seed()) {}

std::vector<const SeededNode*> seeded_nodes(const Node& root) {
  std::vector<const SeededNode*> found;
  if (const auto* seeded = dynamic_cast<const SeededNode*>(&root)) {
    found.push_back(seeded);
  }
  for (const NodePtr& input : root.inputs()) {
    for (const SeededNode* node : seeded_nodes(*input)) found.push_back(node);
  }
  return found;
}

NestedSeeds::NestedSeeds(std::uint64_t seed)
    : seed_(seed), outer_(std::exchange(nested_seeds, this)) {}

NestedSeeds::~NestedSeeds() {
  nested_seeds = outer_;
}

std::uint64_t NestedSeeds::next() {
  return mix_seed(seed_, drawn_++, 2);
}

NestedSeeds* NestedSeeds::current() {
  return nested_seeds;
}

std::string describe_tree(const Node& node) {
  std::string inputs;
  for (const NodePtr& input : node.inputs()) {
    inputs += (inputs.empty() ? "" : ", ") + describe_tree(*input);
  }
  return inputs.empty() ? node.describe()
                        : format("{} of ({})", node.describe(), inputs);
}

std::int64_t add_counts(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum)
             ? std::numeric_limits<std::int64_t>::max()
             : sum;
}

std::int64_t multiply_counts(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product)
             ? std::numeric_limits<std::int64_t>::max()
             : product;
}

std::uint64_t mix_seed(
    std::uint64_t seed, std::uint64_t first, std::uint64_t second) {
  const PhiloxCounter bits =
      philox(philox_counter(first, second), philox_key(seed));
  return (std::uint64_t{bits[1]} << 32) | bits[0];
}

Element make_numbered(
    const char* who, std::int64_t number, const Pending::Make& make) {
  const auto message = [&](const std::exception& error) {
    return format("[dataset {}] element {}: {}", who, number, error.what());
  };
  try {
    return make();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(message(error));
  } catch (const SystemError& error) {
    throw SystemError(message(error));
  } catch (const std::exception& error) {
    throw Error(message(error));
  }
}

std::vector<Tensor> tensors_of(const Element& element) {
  std::vector<Tensor> all = element.x.tensors();
  for (const TensorSet* set : {&element.y, &element.sample_weight}) {
    all.insert(all.end(), set->tensors().begin(), set->tensors().end());
  }
  return all;
}

Element with_tensors(const Element& like, const std::vector<Tensor>& tensors) {
  std::size_t at = 0;
  return map_element(like, [&](const Tensor&) { return tensors.at(at++); });
}

std::vector<std::string> names_of(const Element& element) {
  std::vector<std::string> names;
  append_names(names, element.x, "x");
  append_names(names, element.y, "y");
  append_names(names, element.sample_weight, "sample_weight");
  return names;
}

}  // namespace keratin::data

#include "models/legacy/weights.hpp"

#include <cstdint>
#include <map>
#include <set>

#include <keratin/error.hpp>

#include "layers/support/keras_layer.hpp"
#include "models/legacy/matcher.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// Which layer each of the file's belongs to; null: none.
using Pairing = std::vector<const LayerImpl*>;

bool names_all(
    const SavedWeights& saved,
    const std::vector<const LayerImpl*>& layers,
    Pairing& pairing) {
  std::map<std::string, const LayerImpl*> index;
  for (const LayerImpl* layer : layers) index[layer->name()] = layer;
  pairing.clear();
  for (const SavedLayer& item : saved.layers) {
    const auto found = index.find(item.name);
    if (found == index.end()) return false;
    pairing.push_back(found->second);
  }
  return saved.layers.size() == layers.size();
}

std::vector<const LayerImpl*> with_weights(const LayerImpl& model) {
  std::vector<const LayerImpl*> out = layers_of(model);
  std::erase_if(
      out, [](const LayerImpl* layer) { return file_weights(*layer).empty(); });
  return out;
}

Matcher matched(
    const SavedWeights& saved,
    const Pairing& pairing,
    const MatchOptions& options) {
  Matcher matcher(saved.writer, options);
  for (std::size_t i = 0; i < saved.layers.size(); ++i) {
    if (pairing[i] != nullptr) {
      matcher.match(*pairing[i], saved.layers[i].arrays);
    }
  }
  return matcher;
}

/// By the names, whatever fits no name being missing or unexpected.
Matcher match_by_name(
    const ModelImpl& model,
    const SavedWeights& saved,
    const MatchOptions& options) {
  std::map<std::string, const LayerImpl*> index;
  for (const LayerImpl* layer : leaves(model)) index[layer->name()] = layer;
  for (const LayerImpl* layer : with_weights(model)) {
    index[layer->name()] = layer;
  }
  Matcher matcher(saved.writer, options);
  std::set<const LayerImpl*> seen;
  for (const SavedLayer& item : saved.layers) {
    const auto found = index.find(item.name);
    if (found == index.end()) {
      if (!options.by_name) matcher.unexpected(item);
      continue;
    }
    seen.insert(found->second);
    matcher.match(*found->second, item.arrays);
  }
  if (options.by_name) return matcher;
  for (const LayerImpl* layer : with_weights(model)) {
    if (seen.contains(layer)) continue;
    bool inside = false;
    for (const LayerImpl* leaf : leaves(*layer)) {
      inside = inside || seen.contains(leaf);
    }
    if (!inside) matcher.missing(*layer);
  }
  return matcher;
}

Matcher match_all(
    const ModelImpl& model,
    const SavedWeights& saved,
    const MatchOptions& options) {
  if (options.by_name) return match_by_name(model, saved, options);
  const std::vector<const LayerImpl*> layers = with_weights(model);
  Pairing by_order(layers.begin(), layers.end());
  Pairing by_names;
  const bool named = names_all(saved, layers, by_names);
  if (options.whole_model && named) return matched(saved, by_names, options);
  if (layers.size() == saved.layers.size()) {
    Matcher in_order = matched(saved, by_order, options);
    if (!named || in_order.problems.empty()) {
      // Keras 1 listed the layers of a model that came first by themselves.
      return in_order;
    }
    return matched(saved, by_names, options);
  }
  const std::vector<const LayerImpl*> flat = leaves(model);
  if (flat.size() == saved.layers.size()) {
    if (names_all(saved, flat, by_names)) {
      return matched(saved, by_names, options);
    }
    return matched(saved, Pairing(flat.begin(), flat.end()), options);
  }
  return match_by_name(model, saved, options);
}

/// Whether the file's array is the kernel with its window first, [rows,
/// columns,
/// ...], or last, [..., rows, columns], as Theano had it.
struct KernelOrder {
  bool first = false;
  bool last = false;
};

KernelOrder order_of(const Shape& file, const Shape& wanted) {
  std::vector<std::int64_t> w = wanted.dims();
  if (w.size() == 3) w.insert(w.begin() + 1, 1);  // Keras 1 kept a 1 there
  if (file.rank() != 4 || w.size() != 4) return {};
  const auto is = [&](std::size_t window, std::size_t rest) {
    const std::int64_t a = file[rest];
    const std::int64_t b = file[rest + 1];
    return file[window] == w[0] && file[window + 1] == w[1] &&
           ((a == w[2] && b == w[3]) || (a == w[3] && b == w[2]));
  };
  return {is(0, 2), is(2, 0)};
}

/// The first kernel that fits in one order alone tells for all: those with as
/// many rows as channels fit in both.
bool has_theano_kernels(const std::vector<Match>& matches) {
  for (const Match& match : matches) {
    const KernelOrder order =
        order_of(match.array.file_shape, match.variable.shape());
    if (order.first != order.last) return order.last;
  }
  return false;
}

/// What the file does not say of its writer, but its arrays in this model do.
void settle_writer(
    SavedWeights& saved, const ModelImpl& model, const MatchOptions& options) {
  Writer& writer = saved.writer;
  if (writer.keras > 1) {
    writer.convolves = writer.backend == "theano";
    return;
  }
  writer.theano_kernels =
      has_theano_kernels(match_all(model, saved, options).matches);
  // TensorFlow's names end in ":0".
  bool tensorflow = writer.backend == "tensorflow";
  for (const SavedLayer& layer : saved.layers) {
    for (const Array& array : layer.arrays) {
      tensorflow = tensorflow || array.name.ends_with(":0");
    }
  }
  writer.convolves = writer.theano_kernels && !tensorflow;
}

}  // namespace

void load_weights(
    const ModelImpl& model,
    const SavedWeights& given,
    const std::string& source,
    const MatchOptions& options) {
  if (!model.built()) {
    throw InvalidArgument(format(
        "[load_weights {}] {} has no weights before it is built; give it an "
        "Input or call build",
        source,
        model.who()));
  }
  SavedWeights saved = given;
  settle_writer(saved, model, options);
  Matcher matcher = match_all(model, saved, options);
  if (!saved.top_level.empty()) {
    matcher.match_variables(
        "top_level_model_weights", model.own_weights(), saved.top_level);
  }
  if (!matcher.problems.empty()) {
    std::string list;
    for (const std::string& problem : matcher.problems) {
      list += "\n  " + problem;
    }
    throw InvalidArgument(format(
        "[load_weights {}] {} weights do not fit:{}",
        source,
        matcher.problems.size(),
        list));
  }
  // Everything is read before the first weight changes.
  std::vector<Tensor> values;
  values.reserve(matcher.matches.size());
  for (const Match& match : matcher.matches) {
    values.push_back(match.array.read().cast(match.variable.dtype()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    matcher.matches[i].variable.assign(values[i]);
  }
  for (const LayerImpl* layer : leaves(model)) {
    if (const auto* keras = dynamic_cast<const layers::KerasLayer*>(layer)) {
      keras->after_load();
    }
  }
}

}  // namespace keratin::legacy

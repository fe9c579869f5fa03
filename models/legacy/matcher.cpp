#include "models/legacy/matcher.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "layers/support/keras_layer.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

bool is_model(const LayerImpl& layer) {
  return dynamic_cast<const FunctionalImpl*>(&layer) != nullptr;
}

void collect_held(const LayerImpl& layer, std::set<std::uint64_t>& held) {
  const auto* keras = dynamic_cast<const layers::KerasLayer*>(&layer);
  for (const Variable& variable :
       keras != nullptr ? keras->file_weights() : layer.own_weights()) {
    held.insert(variable.id());
  }
  for (const auto& [attribute, inner] : layer.sublayers()) {
    collect_held(inner.impl(), held);
  }
}

}  // namespace

std::vector<Variable> file_weights(const LayerImpl& layer) {
  std::set<std::uint64_t> held;
  collect_held(layer, held);
  std::vector<Variable> out = layer.trainable_weights();
  const std::vector<Variable> rest = layer.non_trainable_weights();
  out.insert(out.end(), rest.begin(), rest.end());
  std::erase_if(out, [&](const Variable& variable) {
    return held.erase(variable.id()) == 0;
  });
  return out;
}

std::vector<const LayerImpl*> layers_of(const LayerImpl& model) {
  std::vector<const LayerImpl*> out;
  for (const auto& [attribute, layer] : model.sublayers()) {
    if (std::find(out.begin(), out.end(), &layer.impl()) == out.end()) {
      out.push_back(&layer.impl());
    }
  }
  return out;
}

namespace {

void collect_layers(
    const LayerImpl& layer, std::vector<const LayerImpl*>& out) {
  for (const LayerImpl* inner : layers_of(layer)) {
    if (is_model(*inner)) {
      collect_layers(*inner, out);
    } else if (!file_weights(*inner).empty()) {
      out.push_back(inner);
    }
  }
}

}  // namespace

std::vector<const LayerImpl*> leaves(const LayerImpl& model) {
  std::vector<const LayerImpl*> out;
  collect_layers(model, out);
  return out;
}

namespace {

std::string typed(const Array& array) {
  return format("{}{}", short_name(array.dtype), array.file_shape);
}

std::string typed(const Variable& variable) {
  return format("{}{}", short_name(variable.dtype()), variable.shape());
}

constexpr MatchOptions kStrict{};

}  // namespace

void Matcher::missing(const LayerImpl& layer) {
  for (const Variable& variable : file_weights(layer)) {
    problem(format(
        "{}: missing in the file, model wants {} for '{}'",
        layer.name(),
        typed(variable),
        variable.path()));
  }
}

void Matcher::unexpected(const SavedLayer& saved) {
  for (const Array& array : saved.arrays) unexpected(saved.name, array);
}

void Matcher::unexpected(const std::string& layer, const Array& array) {
  problem(format(
      "{}: unexpected, file has {}, the model has no such weight",
      layer + "/" + array.name,
      typed(array)));
}

void Matcher::match(const LayerImpl& layer, const std::vector<Array>& arrays) {
  if (is_model(layer)) {
    match_model(layer, arrays);
    return;
  }
  if (layer.class_name() == "TimeDistributed" &&
      layer.sublayers().size() == 1) {
    match(layer.sublayers()[0].second.impl(), arrays);
    return;
  }
  if (layer.class_name() == "Bidirectional" && layer.sublayers().size() == 2 &&
      arrays.size() % 2 == 0) {
    const auto half =
        arrays.begin() + static_cast<std::ptrdiff_t>(arrays.size() / 2);
    match(layer.sublayers()[0].second.impl(), {arrays.begin(), half});
    match(layer.sublayers()[1].second.impl(), {half, arrays.end()});
    return;
  }
  match_leaf(layer, arrays);
}

void Matcher::match_variables(
    const std::string& name,
    const std::vector<Variable>& weights,
    const std::vector<Array>& arrays) {
  for (std::size_t i = 0; i < std::max(weights.size(), arrays.size()); ++i) {
    if (i >= weights.size()) {
      unexpected(name, arrays[i]);
    } else if (i >= arrays.size()) {
      problem(format(
          "{}: missing in the file, model wants {} for '{}'",
          name,
          typed(weights[i]),
          weights[i].path()));
    } else if (
        arrays[i].dtype == DType::string ||
        arrays[i].shape != weights[i].shape()) {
      problem(format(
          "{}: file has {}, model wants {} for '{}'",
          name + "/" + arrays[i].name,
          typed(arrays[i]),
          typed(weights[i]),
          weights[i].path()));
    } else {
      matches.push_back({weights[i], arrays[i]});
    }
  }
}

void Matcher::problem(std::string text) {
  if (!options_.skip_mismatch) problems.push_back(std::move(text));
}

void Matcher::match_leaf(
    const LayerImpl& layer, const std::vector<Array>& arrays) {
  const std::vector<Variable> weights = file_weights(layer);
  match_variables(
      layer.name(), weights, converted(layer, weights, arrays, writer_));
}

/// Whether a leaf's arrays fit it.
bool Matcher::fits(
    const LayerImpl& layer, const std::vector<Array>& arrays) const {
  Matcher trial(writer_, kStrict);
  trial.match(layer, arrays);
  return trial.problems.empty();
}

/// A model inside a model: all its weights in one list. Names tell most
/// surely which is whose; else trainable ones came first.
void Matcher::match_model(
    const LayerImpl& model, const std::vector<Array>& arrays) {
  const Layers all = leaves(model);
  Parts parts;
  if (split_by_names(all, arrays, parts) || split_by_kind(all, arrays, parts) ||
      split_in_turn(all, arrays, parts)) {
    for (std::size_t i = 0; i < all.size(); ++i) match(*all[i], parts[i]);
    return;
  }
  match_variables(model.name(), file_weights(model), arrays);
}

bool Matcher::all_fit(const Layers& layers, const Parts& parts) const {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!fits(*layers[i], parts[i])) return false;
  }
  return true;
}

/// "block1_conv1/kernel:0" belongs to block1_conv1.
bool Matcher::split_by_names(
    const Layers& layers,
    const std::vector<Array>& arrays,
    Parts& parts) const {
  parts.assign(layers.size(), {});
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!index.emplace(layers[i]->name(), i).second) return false;
  }
  for (const Array& array : arrays) {
    std::size_t owner = layers.size();
    std::size_t begin = 0;
    // The last segment that names a layer; the very last is the weight's.
    for (std::size_t end = array.name.find('/'); end != std::string::npos;
         end = array.name.find('/', begin)) {
      const auto found = index.find(array.name.substr(begin, end - begin));
      if (found != index.end()) owner = found->second;
      begin = end + 1;
    }
    if (owner == layers.size()) return false;
    parts[owner].push_back(array);
  }
  return all_fit(layers, parts);
}

/// How many arrays of a layer are in the file.
std::size_t Matcher::count_in_file(
    const LayerImpl& layer, std::size_t weights) const {
  if (writer_.keras > 1) return weights;
  const std::string name = layer.class_name();
  if (name == "LSTM" || name == "ConvLSTM2D") return weights * 4;
  return name == "GRU" ? weights * 3 : weights;
}

/// Trainable weights of all layers, then the others.
bool Matcher::split_by_kind(
    const Layers& layers,
    const std::vector<Array>& arrays,
    Parts& parts) const {
  parts.assign(layers.size(), {});
  std::size_t next = 0;
  for (const bool trainable : {true, false}) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const std::size_t count = count_in_file(
          *layers[i],
          trainable ? layers[i]->trainable_weights().size()
                    : layers[i]->non_trainable_weights().size());
      for (std::size_t k = 0; k < count; ++k) {
        if (next >= arrays.size()) return false;
        parts[i].push_back(arrays[next++]);
      }
    }
  }
  return next == arrays.size() && all_fit(layers, parts);
}

/// Layer by layer.
bool Matcher::split_in_turn(
    const Layers& layers,
    const std::vector<Array>& arrays,
    Parts& parts) const {
  parts.assign(layers.size(), {});
  std::size_t next = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::size_t count =
        count_in_file(*layers[i], file_weights(*layers[i]).size());
    for (std::size_t k = 0; k < count; ++k) {
      if (next >= arrays.size()) return false;
      parts[i].push_back(arrays[next++]);
    }
  }
  return next == arrays.size() && all_fit(layers, parts);
}

}  // namespace keratin::legacy

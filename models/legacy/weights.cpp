#include "models/legacy/weights.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <keratin/error.hpp>

#include "layers/support/keras_layer.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin::legacy {

namespace {

/// States of random generators, which some versions wrote among the weights.
bool is_random_state(const std::string& name) {
  const std::string last = name.substr(name.rfind('/') + 1);
  return last.starts_with("StateVar") || last.starts_with("state_var") ||
         last.starts_with("seed_generator");
}

std::vector<Array> arrays_of(
    const h5::Object& group, const std::string& source) {
  std::vector<Array> out;
  for (const std::string& name : texts(group, "weight_names")) {
    if (is_random_state(name)) continue;
    const auto dataset = group.find(name);
    if (!dataset || !dataset->is_dataset()) {
      throw InvalidArgument(format(
          "[load_weights {}] {}: weight_names lists '{}', which is not in the "
          "file",
          source,
          group.path(),
          name));
    }
    out.push_back(array_of(name, *dataset));
  }
  return out;
}

int major_version(const std::string& version) {
  return version.empty() || version[0] < '0' || version[0] > '9'
             ? 2
             : version[0] - '0';
}

std::string text_attr(const h5::Object& object, const std::string& name) {
  if (!object.has_attr(name)) return "";
  return object.attr_text(name);
}

}  // namespace

std::vector<std::string> texts(
    const h5::Object& group, const std::string& name) {
  if (group.has_attr(name)) return group.attr_texts(name);
  std::vector<std::string> all;
  for (int part = 0;; ++part) {
    const std::string key = format("{}{}", name, part);
    if (!group.has_attr(key)) return all;
    const std::vector<std::string> more = group.attr_texts(key);
    all.insert(all.end(), more.begin(), more.end());
  }
}

std::optional<h5::Object> weights_group(const h5::File& file) {
  const auto holds_layers = [](const h5::Object& object) {
    return object.is_group() &&
           (object.has_attr("layer_names") || object.has_attr("layer_names0"));
  };
  if (const auto inner = file.find("model_weights");
      inner && holds_layers(*inner)) {
    return inner;
  }
  const h5::Object root = file.root();
  if (holds_layers(root)) return root;
  return {};
}

SavedWeights read_group(const h5::Object& group, const std::string& source) {
  SavedWeights out;
  const std::string version = text_attr(group, "keras_version");
  out.writer.keras = version.empty() ? 1 : major_version(version);
  out.writer.backend = text_attr(group, "backend");
  std::set<std::string> seen;
  for (const std::string& name : texts(group, "layer_names")) {
    if (!seen.insert(name).second) {
      throw InvalidArgument(format(
          "[load_weights {}] layer_names lists '{}' twice", source, name));
    }
    const auto layer = group.find(name);
    if (!layer || !layer->is_group()) {
      throw InvalidArgument(format(
          "[load_weights {}] layer_names lists '{}', which is not in the file",
          source,
          name));
    }
    std::vector<Array> arrays = arrays_of(*layer, source);
    if (!arrays.empty()) out.layers.push_back({name, std::move(arrays)});
  }
  if (const auto top = group.find("top_level_model_weights");
      top && top->is_group() && !seen.contains("top_level_model_weights")) {
    out.top_level = arrays_of(*top, source);
  }
  return out;
}

namespace {

// -- the layers of a model
// -------------------------------------------------------

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

/// The variables that files hold, in the order in which they are written: those
/// that train first, each once.
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

/// The layers with weights inside a model and its models, without those.
std::vector<const LayerImpl*> leaves(const LayerImpl& model) {
  std::vector<const LayerImpl*> out;
  collect_layers(model, out);
  return out;
}

// -- matching
// --------------------------------------------------------------------

struct Match {
  Variable variable;
  Array array;
};

std::string typed(const Array& array) {
  return format("{}{}", short_name(array.dtype), array.file_shape);
}

std::string typed(const Variable& variable) {
  return format("{}{}", short_name(variable.dtype()), variable.shape());
}

class Matcher {
 public:
  Matcher(const Writer& writer, const MatchOptions& options)
      : writer_(writer), options_(options) {}

  std::vector<Match> matches;
  std::vector<std::string> problems;

  void missing(const LayerImpl& layer) {
    for (const Variable& variable : file_weights(layer)) {
      problem(format(
          "{}: missing in the file, model wants {} for '{}'",
          layer.name(),
          typed(variable),
          variable.path()));
    }
  }

  void unexpected(const SavedLayer& saved) {
    for (const Array& array : saved.arrays) unexpected(saved.name, array);
  }

  void unexpected(const std::string& layer, const Array& array) {
    problem(format(
        "{}: unexpected, file has {}, the model has no such weight",
        layer + "/" + array.name,
        typed(array)));
  }

  void match(const LayerImpl& layer, const std::vector<Array>& arrays) {
    if (is_model(layer)) {
      match_model(layer, arrays);
      return;
    }
    if (layer.class_name() == "TimeDistributed" &&
        layer.sublayers().size() == 1) {
      match(layer.sublayers()[0].second.impl(), arrays);
      return;
    }
    if (layer.class_name() == "Bidirectional" &&
        layer.sublayers().size() == 2 && arrays.size() % 2 == 0) {
      const auto half =
          arrays.begin() + static_cast<std::ptrdiff_t>(arrays.size() / 2);
      match(layer.sublayers()[0].second.impl(), {arrays.begin(), half});
      match(layer.sublayers()[1].second.impl(), {half, arrays.end()});
      return;
    }
    match_leaf(layer, arrays);
  }

  void match_variables(
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

 private:
  void problem(std::string text) {
    if (!options_.skip_mismatch) problems.push_back(std::move(text));
  }

  void match_leaf(const LayerImpl& layer, const std::vector<Array>& arrays) {
    const std::vector<Variable> weights = file_weights(layer);
    match_variables(
        layer.name(), weights, converted(layer, weights, arrays, writer_));
  }

  /// Whether a leaf's arrays fit it.
  bool fits(const LayerImpl& layer, const std::vector<Array>& arrays) const {
    Matcher trial(writer_, kStrict);
    trial.match(layer, arrays);
    return trial.problems.empty();
  }

  /// A model inside a model: all its weights in one list. Names tell most
  /// surely which is whose; else trainable ones came first.
  void match_model(const LayerImpl& model, const std::vector<Array>& arrays) {
    const std::vector<const LayerImpl*> all = leaves(model);
    std::vector<std::vector<Array>> parts;
    if (split_by_names(all, arrays, parts) ||
        split_by_kind(all, arrays, parts) ||
        split_in_turn(all, arrays, parts)) {
      for (std::size_t i = 0; i < all.size(); ++i) match(*all[i], parts[i]);
      return;
    }
    match_variables(model.name(), file_weights(model), arrays);
  }

  bool all_fit(
      const std::vector<const LayerImpl*>& layers,
      const std::vector<std::vector<Array>>& parts) const {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (!fits(*layers[i], parts[i])) return false;
    }
    return true;
  }

  /// "block1_conv1/kernel:0" belongs to block1_conv1.
  bool split_by_names(
      const std::vector<const LayerImpl*>& layers,
      const std::vector<Array>& arrays,
      std::vector<std::vector<Array>>& parts) const {
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
  std::size_t count_in_file(const LayerImpl& layer, std::size_t weights) const {
    if (writer_.keras > 1) return weights;
    const std::string name = layer.class_name();
    if (name == "LSTM" || name == "ConvLSTM2D") return weights * 4;
    return name == "GRU" ? weights * 3 : weights;
  }

  /// Trainable weights of all layers, then the others.
  bool split_by_kind(
      const std::vector<const LayerImpl*>& layers,
      const std::vector<Array>& arrays,
      std::vector<std::vector<Array>>& parts) const {
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
  bool split_in_turn(
      const std::vector<const LayerImpl*>& layers,
      const std::vector<Array>& arrays,
      std::vector<std::vector<Array>>& parts) const {
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

  static constexpr MatchOptions kStrict{};

  const Writer& writer_;
  const MatchOptions& options_;
};

// -- a whole file
// ---------------------------------------------------------------

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

/// Whether the kernels of convolutions fit only when taken in Theano's order.
bool has_theano_kernels(const SavedWeights& saved) {
  for (const SavedLayer& layer : saved.layers) {
    for (const Array& array : layer.arrays) {
      const Shape& s = array.shape;
      if (s.rank() != 4) continue;
      // [out, in, rows, columns]: the extents of a kernel are small, and the
      // bias tells how many filters there are.
      if (layer.arrays.size() < 2 || layer.arrays[1].shape.rank() != 1)
        continue;
      const std::int64_t filters = layer.arrays[1].shape[0];
      if (s[3] == filters && s[0] != filters) return false;
      if (s[0] == filters && s[3] != filters) return true;
    }
  }
  return false;
}

void settle_writer(Writer& writer, const SavedWeights& saved) {
  if (writer.keras > 1) {
    writer.convolves = writer.backend == "theano";
    return;
  }
  writer.theano_kernels = has_theano_kernels(saved);
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
  settle_writer(saved.writer, saved);
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

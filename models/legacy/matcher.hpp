#pragma once

#include <string>
#include <vector>

#include <keratin/model.hpp>

#include "models/legacy/arrays.hpp"
#include "models/legacy/weights.hpp"

/// Which array of a file belongs to which variable of a layer.
namespace keratin::legacy {

/// The variables that files hold, in the order in which they are written: those
/// that train first, each once.
std::vector<Variable> file_weights(const LayerImpl& layer);

/// A model's layers in its order, each once.
std::vector<const LayerImpl*> layers_of(const LayerImpl& model);

/// The layers with weights inside a model and its models, without those.
std::vector<const LayerImpl*> leaves(const LayerImpl& model);

struct Match {
  Variable variable;
  Array array;
};

/// Collects what matches, and in words what does not: nothing of that with
/// skip_mismatch.
class Matcher {
 public:
  Matcher(const Writer& writer, const MatchOptions& options)
      : writer_(writer), options_(options) {}

  std::vector<Match> matches;
  std::vector<std::string> problems;

  void missing(const LayerImpl& layer);
  void unexpected(const SavedLayer& saved);

  void match(const LayerImpl& layer, const std::vector<Array>& arrays);
  void match_variables(
      const std::string& name,
      const std::vector<Variable>& weights,
      const std::vector<Array>& arrays);

 private:
  using Layers = std::vector<const LayerImpl*>;
  using Parts = std::vector<std::vector<Array>>;  // one for each layer

  void problem(std::string text);
  void unexpected(const std::string& layer, const Array& array);
  void match_leaf(const LayerImpl& layer, const std::vector<Array>& arrays);
  void match_model(const LayerImpl& model, const std::vector<Array>& arrays);
  bool fits(const LayerImpl& layer, const std::vector<Array>& arrays) const;
  bool all_fit(const Layers& layers, const Parts& parts) const;
  std::size_t count_in_file(const LayerImpl& layer, std::size_t weights) const;
  bool split_by_names(
      const Layers& layers,
      const std::vector<Array>& arrays,
      Parts& parts) const;
  bool split_by_kind(
      const Layers& layers,
      const std::vector<Array>& arrays,
      Parts& parts) const;
  bool split_in_turn(
      const Layers& layers,
      const std::vector<Array>& arrays,
      Parts& parts) const;

  const Writer& writer_;
  const MatchOptions& options_;
};

}  // namespace keratin::legacy

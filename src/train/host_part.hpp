#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <keratin/host_layer.hpp>
#include <keratin/model.hpp>
#include <keratin/tensor.hpp>

#include "src/train/program_cache.hpp"

namespace keratin {

struct SymbolicState;

/// What the host computes for a batch, kept for what comes after the graph.
using HostValues = std::unordered_map<const SymbolicState*, Tensor>;

/// The part of a model that computes on host arrays: strings, hashes and
/// lookups, before the graph, and what turns the graph's results into strings
/// again, after it. Safe from several threads.
class HostPart {
 public:
  virtual ~HostPart() = default;

  /// The graph's inputs for the model's.
  virtual std::vector<Tensor> before(
      const std::vector<Tensor>& x, HostValues& values) const = 0;

  /// The model's outputs for the graph's.
  virtual std::vector<Tensor> after(
      HostValues values, std::vector<Tensor> results) const = 0;

  /// Whether the graph yields the model's outputs as they are, so that the
  /// model can be trained.
  virtual bool ends_in_graph() const = 0;

  /// Whether it runs programs for layers of numbers.
  virtual bool runs_programs() const = 0;

  /// Whether there is no graph at all.
  virtual bool graph_free() const = 0;
};

/// A model that may have a host part.
class HasHostPart {
 public:
  virtual ~HasHostPart() = default;

  /// Null when the graph does it all.
  virtual std::shared_ptr<const HostPart> host_part() const = 0;
};

/// The model's host part, or null.
std::shared_ptr<const HostPart> host_part_of(const ModelImpl& model);

/// A layer of numbers, called on arrays: a small program, kept in `programs`.
/// Strings are moved as the layer would move numbers; where it pads there are
/// empty ones.
std::vector<Tensor> run_layer(
    LayerImpl& layer, const HostInputs& inputs, ProgramCache& programs);

/// Adds the states of all layers inside that are not weights, by their version:
/// programs have them as constants.
void append_host_state(std::string& key, const LayerImpl& layer);

}  // namespace keratin

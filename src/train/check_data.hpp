#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <keratin/model.hpp>
#include <keratin/training.hpp>

#include "src/train/host_part.hpp"

namespace keratin {

/// The arrays of a run, checked against the model and each other. Targets and
/// sample weights are one per output (weights: or one for all); those of an
/// output that has none are absent().
struct FeedData {
  std::vector<Tensor> x;
  std::vector<Tensor> y;
  std::vector<Tensor> sample_weight;

  // Of a model with a host part: x are the model's inputs in the arrays of a
  // run and the graph's in a batch, which then knows its rows and what the host
  // keeps for after the graph.
  std::shared_ptr<const HostPart> host = nullptr;
  HostValues host_values = {};
  std::int64_t host_rows = -1;

  std::int64_t rows() const;
};

/// The arrays as one batch for the graph: runs the host part, if there is one.
FeedData as_batch(FeedData data);

/// Whether this stands for no array: Tensor(), where Keras has None.
bool absent(const Tensor& tensor);

/// Orders named arrays as the model's inputs and outputs (as many targets as
/// there are losses belong to the outputs that have one), turns class weights
/// into sample weights, and checks counts, rows and string dtypes.
/// `who` starts the messages: "[model: Sequential] fit".
FeedData check_data(
    ModelImpl& model,
    const std::string& who,
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight = {});

/// Refuses class indices that the output of a sparse loss does not have. Called
/// when the losses are known, before a step runs. REQUIRES: the model knows its
/// losses (the step's program is built).
void check_labels(
    const ModelImpl& model, const std::string& who, const FeedData& data);

/// The shape in which an input of shape `got` goes into a model that expects
/// `want`: as in Keras a last axis of length 1 may be missing or be too many.
Shape input_shape(const Shape& want, const Shape& got);

/// Refuses inputs of other shapes than the model's, when these are known: data
/// for later, which no step has seen.
void check_like_input(
    const ModelImpl& model, const std::string& who, const FeedData& data);

}  // namespace keratin

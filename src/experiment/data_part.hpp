#pragma once

#include <cstdint>
#include <map>

#include <keratin/experiment.hpp>

/// What a model does with a part of the data, arrays or batches.
namespace keratin::experiment {

/// Calls adapt of the layers that work on the data themselves, as one would in
/// C++ before training: those of a stack up to the first with weights, and
/// those behind the input of another model.
void adapt_layers(const Model& model, const DataPart& part);

/// The shape of a batch of inputs, of any number of rows.
Shape input_shape(const DataPart& part);

/// Weights of classes by their counts in a part, as scikit-learn's "balanced".
/// Goes through the data when they come in batches.
std::map<std::int64_t, double> balanced_weights(const DataPart& part);

History fit_part(
    Model& model, const DataPart& part, const FitArguments& arguments);

/// `batch_size` is for arrays.
Logs evaluate_part(Model& model, const DataPart& part, std::int64_t batch_size);

Tensor predict_part(Model& model, const DataPart& part);

}  // namespace keratin::experiment

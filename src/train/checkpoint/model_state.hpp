#pragma once

#include <string>
#include <utility>
#include <vector>

#include <keratin/model.hpp>

#include "src/train/checkpoint/checkpoint.hpp"

namespace keratin {

/// Everything of a model that training changes, each with a name of its own:
/// weights, random counters, the optimizer's variables, running metrics.
/// REQUIRES: its training step has been built, so that there are all of them.
std::vector<std::pair<std::string, Variable>> training_variables(
    ModelImpl& model);

/// Copies all of them, and what was chosen by timing, into the checkpoint.
void save_model_state(ModelImpl& model, Checkpoint& checkpoint);

/// What was chosen by timing, before programs are built. Throws
/// InvalidArgument.
void restore_choices(ModelImpl& model, const Checkpoint& checkpoint);

/// Puts everything back. Throws InvalidArgument listing every array that is
/// missing, unexpected or of another type, and changes nothing then. REQUIRES:
/// as training_variables.
void restore_model_state(ModelImpl& model, const Checkpoint& checkpoint);

}  // namespace keratin

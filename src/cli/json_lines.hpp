#pragma once

#include <memory>

#include <keratin/callbacks.hpp>

namespace keratin::cli {

/// Prints a line of JSON on standard output, at once.
void print_json(const Config& line);

/// Prints the events of a training as such lines: "epoch_begin", "step" about
/// once a second, "epoch_end".
std::shared_ptr<Callback> json_lines();

}  // namespace keratin::cli

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/export.hpp>

namespace keratin {

/// What computes: "cpu", "reference", "cuda".
struct BackendStatus {
  std::string name;
  bool available = false;
  std::string detail;  // its devices, or why it is not available
};

/// Every backend this build knows. Looks for devices, which may start drivers.
KERATIN_API std::vector<BackendStatus> list_backends();

/// Computes with this backend from here on; programs compiled before keep
/// theirs. Empty: back to KERATIN_BACKEND, else the best there is. Throws
/// InvalidArgument for a backend that is unknown or not available here.
KERATIN_API void set_backend(const std::string& name);

/// The name of the backend that computes.
KERATIN_API std::string backend_name();

/// Whether kernels are chosen without timing them. Choices by timing may differ
/// from one run to the next, and with them the last bits of sums; without it
/// the same model gives the same bits in every process with as many threads.
/// Holds for what is compiled from here on: set it before training or
/// predicting. Default: false.
KERATIN_API void set_deterministic(bool deterministic);
KERATIN_API bool deterministic();

/// How many bytes of intermediate values a program may keep, about: cheap ones
/// of the forward pass are computed again in the backward pass, with the same
/// numbers, where they would take more. Weights, inputs and what libraries take
/// for themselves come on top, and a program that cannot do with so little
/// takes what it needs. 0, the default: back to KERATIN_MEMORY_LIMIT, else
/// nothing is computed again. Holds for what is compiled from here on. Throws
/// InvalidArgument for a negative number.
KERATIN_API void set_memory_limit(std::int64_t bytes);

/// What set_memory_limit said, else KERATIN_MEMORY_LIMIT ("800MB", "1.5GB" or
/// bytes), else 0.
KERATIN_API std::int64_t memory_limit();

/// Times every kernel of the programs compiled from here on. When a program
/// goes away (with its model), the times of its layers and kernels, forward and
/// backward apart, go to each target: "1": two tables on standard error;
/// "FILE.csv": a table of all kernels; "FILE.json": the last run as a Chrome
/// trace. Files hold all programs that have ended. Empty: back to
/// KERATIN_PROFILE. Throws InvalidArgument for other targets.
KERATIN_API void set_profile(std::vector<std::string> targets);

}  // namespace keratin

#pragma once

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

}  // namespace keratin

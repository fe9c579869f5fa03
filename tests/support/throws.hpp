#pragma once

#include <exception>
#include <string>

namespace keratin::testing {

/// The what() of the exception of type E that f throws; another type goes
/// through, and no exception gives "(nothing thrown)".
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "(nothing thrown)";
}

}  // namespace keratin::testing

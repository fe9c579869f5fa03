#pragma once

#include <string>

namespace keratin {

/// While it lives, layers read from configs on this thread get this dtype
/// policy in place of their floating one: how a float32 file is opened in
/// another precision.
class DTypeOverride {
 public:
  explicit DTypeOverride(std::string name);
  ~DTypeOverride();
  DTypeOverride(const DTypeOverride&) = delete;
  DTypeOverride& operator=(const DTypeOverride&) = delete;

 private:
  std::string previous_;
};

/// The policy in force, or empty.
const std::string& dtype_override();

}  // namespace keratin

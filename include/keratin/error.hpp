#pragma once

#include <stdexcept>
#include <string>

#include <keratin/export.hpp>

namespace keratin {

/// Base of every exception that Keratin throws. `what()` is one line that
/// names who complains, what was expected, what came and, where known, the fix.
class KERATIN_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  ~Error() override;
};

/// The caller's mistake: a wrong shape, dtype, name or value. Thrown before
/// anything is computed or changed.
class KERATIN_API InvalidArgument : public Error {
 public:
  using Error::Error;
  ~InvalidArgument() override;
};

/// The world's fault: files, memory, drivers. Names the call that failed.
class KERATIN_API SystemError : public Error {
 public:
  using Error::Error;
  ~SystemError() override;
};

/// A bug in Keratin, found by one of its own checks. Please report it.
class KERATIN_API InternalError : public Error {
 public:
  using Error::Error;
  ~InternalError() override;
};

}  // namespace keratin

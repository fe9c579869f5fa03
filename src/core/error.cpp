#include <keratin/error.hpp>

namespace keratin {

// Out of line: one vtable and type_info, so catching works across libraries.
Error::~Error() = default;
InvalidArgument::~InvalidArgument() = default;
SystemError::~SystemError() = default;
InternalError::~InternalError() = default;

}  // namespace keratin

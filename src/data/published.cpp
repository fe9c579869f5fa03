#include "src/data/published.hpp"

#include <sys/stat.h>

#include "src/core/check.hpp"
#include "src/core/env.hpp"

namespace keratin::data {

std::optional<std::string> find_data(std::initializer_list<std::string> names) {
  const auto folder = env::data_dir();
  if (!folder) return std::nullopt;
  for (const char* below : {"/", "/datasets/"}) {
    for (const std::string& name : names) {
      const std::string path = *folder + below + name;

      struct stat info {};

      if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
        return path;
      }
    }
  }
  return std::nullopt;
}

std::string fetch_published(io::Download what) {
  KERATIN_CHECK(
      what.sha256.size() == 64 || what.md5.size() == 32,
      "a data set without a checksum: {}",
      what.name);
  what.url = io::mirrored(what.url);
  return io::fetch(what);
}

}  // namespace keratin::data

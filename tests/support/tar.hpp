#pragma once

#include <cstdio>
#include <string>

namespace keratin::testing {

/// One member of a tar archive, by default a regular file.
inline std::string tar_member(
    const std::string& name, const std::string& content, char type = '0') {
  std::string head(512, '\0');
  head.replace(0, name.size(), name);
  char size[12];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  head.replace(124, 11, size);
  head[156] = type;
  head.replace(257, 5, "ustar");
  head.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  std::snprintf(size, sizeof size, "%06o", sum);
  head.replace(148, 7, size, 7);
  return head + content + std::string((512 - content.size() % 512) % 512, '\0');
}

}  // namespace keratin::testing

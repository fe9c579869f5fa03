#pragma once

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace keratin::testing {

/// "kind Name" and "kind Name argument" of the rows of docs/keras_names.md,
/// | kind | name | argument | reason |, of these kinds. Several names or
/// arguments may share a row.
inline std::set<std::string> documented_names(
    const std::set<std::string>& kinds) {
  std::set<std::string> rows;
  std::istringstream in(read_file(source_dir() / "docs/keras_names.md"));
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, '|');) {
      std::erase_if(cell, [](char c) { return c == '`'; });
      const std::size_t begin = cell.find_first_not_of(' ');
      const std::size_t end = cell.find_last_not_of(' ');
      cells.push_back(
          begin == std::string::npos ? ""
                                     : cell.substr(begin, end - begin + 1));
    }
    if (cells.size() < 5 || !kinds.contains(cells[1])) continue;
    std::istringstream names(cells[2]);
    for (std::string name; std::getline(names, name, ',');) {
      std::erase(name, ' ');
      if (cells[3].empty()) rows.insert(cells[1] + " " + name);
      std::istringstream arguments(cells[3]);
      for (std::string argument; std::getline(arguments, argument, ',');) {
        std::erase(argument, ' ');
        rows.insert(cells[1] + " " + name + " " + argument);
      }
    }
  }
  return rows;
}

}  // namespace keratin::testing

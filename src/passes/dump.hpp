#pragma once

#include <string>
#include <string_view>

#include "src/ir/graph.hpp"

namespace keratin {

/// The stages of one graph on disk, for KERATIN_DUMP: a folder of its own,
/// FOLDER/graph_00, with 00_build.txt, 00_build.dot, 01_simplify.txt, ...
class Dump {
 public:
  /// Makes the folder; graphs are numbered through the life of the process.
  /// Throws SystemError when it cannot.
  explicit Dump(const std::string& folder);

  /// Writes the next stage. Throws SystemError when a file cannot be written.
  void write(std::string_view stage, const Graph& graph);

 private:
  std::string folder_;
  int stage_ = 0;
};

}  // namespace keratin

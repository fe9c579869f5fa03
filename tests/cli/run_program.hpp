#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

namespace keratin::testing {

/// What a command ended with.
struct Outcome {
  int code = -1;
  std::string text;  // of stdout and stderr
};

/// Runs `keratin ARGUMENTS` in a folder, with variables set as in "A=1 B=2".
inline Outcome run_in(
    const std::filesystem::path& folder,
    const std::string& arguments,
    const std::string& variables = "") {
  const std::string command = "cd '" + folder.string() + "' && " + variables +
                              " '" KERATIN_PROGRAM "' " + arguments + " 2>&1";
  Outcome outcome;
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    outcome.text += buffer.data();
  }
  const int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return outcome;
}

inline Outcome run(const std::string& arguments) {
  return run_in(std::filesystem::temp_directory_path(), arguments);
}

inline bool has(const Outcome& outcome, const std::string& part) {
  return outcome.text.find(part) != std::string::npos;
}

}  // namespace keratin::testing

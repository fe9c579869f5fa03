#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/files.hpp"

namespace keratin::testing {

/// `keratin ARGUMENTS...` in a folder, beside the test; killed at the end of
/// the scope.
class BackgroundProgram {
 public:
  BackgroundProgram(
      const std::filesystem::path& folder, std::vector<std::string> arguments)
      : log_(folder / "log") {
    std::filesystem::remove(log_);
    arguments.insert(arguments.begin(), "keratin");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ != 0) return;
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || chdir(folder.c_str()) != 0) {
      _exit(99);
    }
    execv(KERATIN_PROGRAM, argv.data());
    _exit(99);
  }

  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  ~BackgroundProgram() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    wait();
  }

  /// What it has printed so far.
  std::string text() const {
    return std::filesystem::exists(log_) ? read_file(log_) : "";
  }

  /// Until it has printed this; fails after half a minute.
  void wait_for(const std::string& part) const {
    for (int i = 0; i < 3000; ++i) {
      if (text().find(part) != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CAPTURE(text());
    FAIL("did not print " << part);
  }

  void send(int signal) const { ::kill(child_, signal); }

  /// How it ended, as waitpid says.
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = 0;
    return status;
  }

 private:
  std::filesystem::path log_;
  pid_t child_ = 0;
};

}  // namespace keratin::testing

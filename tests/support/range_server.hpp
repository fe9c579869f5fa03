#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/paths.hpp"

namespace keratin::testing {

/// range_server.py over a folder, for the time of a scope.
class RangeServer {
 public:
  RangeServer(const RangeServer&) = delete;
  RangeServer& operator=(const RangeServer&) = delete;

  explicit RangeServer(const std::filesystem::path& folder) {
    const std::string script =
        (source_dir() / "tests/io/range_server.py").string();
    int in[2];
    int out[2];
    // Closed by exec, so that a server never holds the end that stops another.
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) {
        if (fd > 2) ::close(fd);
      }
      ::execlp("python3", "python3", script.c_str(), folder.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    stop_ = in[1];
    // The line may come in pieces; closed before its end, it would kill the
    // server.
    std::string text;
    char c = 0;
    while (c != '\n' && ::read(out[0], &c, 1) == 1) text += c;
    ::close(out[0]);
    if (!text.empty()) port_ = std::stoi(text);
  }

  ~RangeServer() {
    ::close(stop_);  // the server ends with its input
    ::waitpid(child_, nullptr, 0);
  }

  bool running() const { return port_ != 0; }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + path;
  }

 private:
  ::pid_t child_ = -1;
  int stop_ = -1;
  int port_ = 0;
};

}  // namespace keratin::testing

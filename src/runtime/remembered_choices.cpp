#include "src/runtime/remembered_choices.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstddef>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin {

namespace {

namespace fs = std::filesystem;

// More than any machine's choices take; a file beyond it is not ours.
constexpr std::uintmax_t kMaxBytes = 16 << 20;

struct Memory {
  std::mutex mutex;
  std::unique_ptr<Choices> choices;
  std::size_t saved = 0;  // how many of them are in the file
};

Memory& memory() {
  static Memory instance;
  return instance;
}

fs::path file_of(const fs::path& folder) {
  return folder / "choices.json";
}

// Adds what the file has, if it can be read.
void read_into(Choices& choices, const fs::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(file, error);
  if (error || bytes > kMaxBytes) return;
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    choices.add(Config::parse(text, file.string()), file.string());
  } catch (const std::exception& damage) {
    KERATIN_LOG(dispatch, "choices are not read: {}", damage.what());
  }
}

// Keeps other processes out while it lives.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : file_(::open(
            (folder / "choices.lock").c_str(),
            O_CREAT | O_RDWR | O_CLOEXEC,
            0644)) {
    if (file_ < 0 || ::flock(file_, LOCK_EX) != 0) {
      throw SystemError(
          format("[{}] cannot be locked for choices", folder.string()));
    }
  }

  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }

  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

// A reader sees the old file or the new one, never a part.
void replace(const fs::path& file, const std::string& text) {
  const fs::path part = file.string() + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw SystemError(format("[{}] cannot be written", part.string()));
  fs::rename(part, file);
}

// REQUIRES: the memory is locked.
Choices& known(Memory& memory) {
  if (!memory.choices) {
    memory.choices = std::make_unique<Choices>();
    try {
      read_into(*memory.choices, file_of(env::cache_dir()));
    } catch (const std::exception& nowhere) {
      KERATIN_LOG(dispatch, "choices are not read: {}", nowhere.what());
    }
    memory.saved = memory.choices->size();
  }
  return *memory.choices;
}

}  // namespace

Choices& remembered_choices() {
  Memory& all = memory();
  const std::lock_guard lock(all.mutex);
  return known(all);
}

void save_remembered_choices() {
  Memory& all = memory();
  const std::lock_guard lock(all.mutex);
  const Choices& own = known(all);
  if (own.size() == all.saved) return;
  all.saved = own.size();  // one try
  try {
    const fs::path folder = env::cache_dir();
    fs::create_directories(folder);
    const FolderLock others(folder);
    Choices together;
    read_into(together, file_of(folder));
    together.add(own.to_config(), "choices");
    replace(file_of(folder), together.to_config().dump(1) + "\n");
  } catch (const std::exception& failure) {
    KERATIN_LOG(dispatch, "choices are not kept: {}", failure.what());
  }
}

void forget_remembered_choices() {
  Memory& all = memory();
  const std::lock_guard lock(all.mutex);
  all.choices.reset();
  all.saved = 0;
}

}  // namespace keratin

#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"
#include "tests/backends/cuda/host_prelude.hpp"
#include "tests/backends/cuda/stand_in_state.hpp"

namespace keratin::cuda::testing {

// -- threads of a kernel
// -------------------------------------------------------

namespace {

constexpr std::size_t kStackBytes = std::size_t{128} << 10;

class Fibers {
 public:
  // Runs one block of `threads` threads.
  void run_block(const Function& function, void** arguments, unsigned threads) {
    function_ = &function;
    arguments_ = arguments;
    if (fibers_.size() < threads) {
      const std::size_t before = fibers_.size();
      fibers_.resize(threads);
      for (std::size_t i = before; i < threads; ++i) {
        fibers_[i].stack.resize(kStackBytes);
      }
    }
    count_ = threads;
    for (unsigned i = 0; i < threads; ++i) {
      Fiber& fiber = fibers_[i];
      fiber.done = false;
      fiber.warp_count = 0;
      fiber.block_count = 0;
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      fiber.context.uc_link = &scheduler_;
      makecontext(&fiber.context, &Fibers::enter, 0);
    }
    unsigned left = threads;
    while (left > 0) {
      progress_ = false;
      for (unsigned i = 0; i < threads; ++i) {
        Fiber& fiber = fibers_[i];
        if (fiber.done) continue;
        current_ = i;
        function.host->thread = {i, 0, 0};
        swapcontext(&scheduler_, &fiber.context);
        if (fiber.done) {
          --left;
          progress_ = true;
        }
      }
      if (!progress_) {
        violate(keratin::format(
            "{}: threads wait for each other for ever", function.name));
        return;
      }
    }
  }

  static Fibers& get() {
    static auto* fibers = new Fibers;
    return *fibers;
  }

  void barrier() {
    Fiber& own = fibers_[current_];
    const int target = ++own.block_count;
    progress_ = true;
    const auto reached = [&] {
      for (unsigned i = 0; i < count_; ++i) {
        if (!fibers_[i].done && fibers_[i].block_count < target) return false;
      }
      return true;
    };
    wait_until(reached);
  }

  void exchange(const void* mine, unsigned size, int mask, void* out) {
    Fiber& own = fibers_[current_];
    std::memcpy(own.slot, mine, size);
    meet_warp();
    const unsigned peer = current_ ^ static_cast<unsigned>(mask);
    if (peer < count_ && fibers_[peer].warp_count >= own.warp_count) {
      std::memcpy(out, fibers_[peer].slot, size);
    } else {
      violate(keratin::format(
          "{}: a shuffle from a lane that is gone", function_->name));
    }
    meet_warp();
  }

 private:
  struct Fiber {
    ucontext_t context{};
    std::vector<std::byte> stack;
    bool done = false;
    int warp_count = 0;
    int block_count = 0;
    alignas(16) std::byte slot[16];
  };

  static void enter() {
    Fibers& fibers = get();
    fibers.function_->thunk(fibers.arguments_);
    fibers.fibers_[fibers.current_].done = true;
  }

  void meet_warp() {
    Fiber& own = fibers_[current_];
    const int target = ++own.warp_count;
    progress_ = true;
    const unsigned first = current_ / 32 * 32;
    wait_until([&, first, target] {
      for (unsigned i = first; i < first + 32 && i < count_; ++i) {
        if (!fibers_[i].done && fibers_[i].warp_count < target) return false;
      }
      return true;
    });
  }

  template <class Reached>
  void wait_until(const Reached& reached) {
    const unsigned self = current_;
    while (!reached()) {
      swapcontext(&fibers_[self].context, &scheduler_);
    }
    progress_ = true;
  }

  const Function* function_ = nullptr;
  void** arguments_ = nullptr;
  std::deque<Fiber> fibers_;
  ucontext_t scheduler_{};
  unsigned count_ = 0;
  unsigned current_ = 0;
  bool progress_ = false;
};

}  // namespace

void set_host_calls(Host& host) {
  host.barrier = [] { Fibers::get().barrier(); };
  host.exchange = [](const void* mine, unsigned size, int mask, void* out) {
    Fibers::get().exchange(mine, size, mask, out);
  };
}

void run_kernel(
    const Function& function, unsigned grid, unsigned block, void** arguments) {
  Host& host = *function.host;
  host.block_size = {block, 1, 1};
  host.grid = {grid, 1, 1};
  for (unsigned b = 0; b < grid; ++b) {
    host.block = {b, 0, 0};
    if (function.waits) {
      Fibers::get().run_block(function, arguments, block);
      continue;
    }
    for (unsigned t = 0; t < block; ++t) {
      host.thread = {t, 0, 0};
      function.thunk(arguments);
    }
  }
}

// -- compiling for the host
// ----------------------------------------------------

namespace {

namespace fs = std::filesystem;

fs::path scratch_folder() {
  const fs::path folder = KERATIN_CUDA_TEST_DIR;
  fs::create_directories(folder);
  return folder;
}

// "const f32* x, f32* y, i64 n" -> "*(const f32**)a[0], ..."
std::string unpacked(const std::string& parameters) {
  std::string text;
  std::istringstream list(parameters);
  int i = 0;
  for (std::string one; std::getline(list, one, ','); ++i) {
    const std::string type = one.substr(0, one.find_last_of(" *") + 1);
    text += keratin::format("{}*({}*)a[{}]", i == 0 ? "" : ", ", type, i);
  }
  return text;
}

// What calls a kernel with the driver's array of pointers to arguments.

}  // namespace

std::string thunk_of(const std::string& text, const std::string& name) {
  // The kernel's own parenthesis: after KT_KERNEL(n) NAME.
  const std::size_t kernel = text.find("KT_KERNEL");
  const std::size_t open = text.find(name + "(", kernel) + name.size();
  const std::size_t close = text.find(") {", open);
  const std::string parameters = text.substr(open + 1, close - open - 1);
  return keratin::format(
      "extern \"C\" void {0}_call(void** a) {{ {0}({1}); }}\n"
      "extern \"C\" const int {0}_arguments; const int {0}_arguments = {2};\n",
      name,
      unpacked(parameters),
      1 + std::count(parameters.begin(), parameters.end(), ','));
}

bool waits(const std::string& text) {
  static const std::regex group(R"([<, ](32|256)[>,])");
  return std::regex_search(text, group) ||
         text.find("plain_conv_weights") != std::string::npos;
}

std::string all_families() {
  std::string text;
  for (const std::string_view family :
       {reduce_family(),
        norm_family(),
        index_family(),
        window_family(),
        random_family(),
        product_family()}) {
    text += family;
  }
  return text;
}

// Compiles a text to a shared library, once per content.
std::string build_library(const std::string& text) {
  const fs::path folder = scratch_folder();
  const std::string stem = content_hash(text);
  const fs::path library = folder / (stem + ".so");
  if (fs::exists(library)) return library.string();
  const std::string unique = keratin::format("{}_{}", stem, getpid());
  const fs::path source = folder / (unique + ".cpp");
  const fs::path built = folder / (unique + ".so");
  const fs::path log = folder / (unique + ".log");
  std::ofstream(source) << text;
  const std::string command = keratin::format(
      "{} -std=c++17 -O1 -ffp-contract=off -fwrapv -fPIC -shared -w {} -o {} "
      "2> {}",
      KERATIN_CUDA_HOST_COMPILER,
      source.string(),
      built.string(),
      log.string());
  if (std::system(command.c_str()) != 0) {
    std::ifstream file(log);
    std::stringstream words;
    words << file.rdbuf();
    throw std::runtime_error(
        "kernels do not compile for the host: " + source.string() + "\n" +
        words.str().substr(0, 4000));
  }
  fs::rename(built, library);
  fs::remove(source);
  fs::remove(log);
  return library.string();
}

}  // namespace keratin::cuda::testing

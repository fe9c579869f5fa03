#include "tests/support/allocations.hpp"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace {

std::atomic<std::int64_t> live{0};
std::atomic<std::int64_t> peak{0};

void add(std::size_t bytes) {
  const std::int64_t now = live += static_cast<std::int64_t>(bytes);
  std::int64_t most = peak;
  while (now > most && !peak.compare_exchange_weak(most, now)) {
  }
}

void subtract(std::size_t bytes) {
  live -= static_cast<std::int64_t>(bytes);
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

extern "C" {

int __sanitizer_install_malloc_and_free_hooks(
    void (*allocated)(const volatile void*, std::size_t),
    void (*freed)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void* data);

}  // extern "C"

namespace {

[[maybe_unused]] const int installed =
    __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t bytes) { add(bytes); },
        [](const volatile void* data) {
          if (data != nullptr) subtract(__sanitizer_get_allocated_size(data));
        });

}  // namespace

#else

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming)
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* data, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* data);

// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)

static void* counted(void* data) {
  if (data != nullptr) add(malloc_usable_size(data));
  return data;
}

void* malloc(std::size_t bytes) {
  return counted(__libc_malloc(bytes));
}

void* calloc(std::size_t count, std::size_t bytes) {
  return counted(__libc_calloc(count, bytes));
}

void* realloc(void* data, std::size_t bytes) {
  const std::size_t before = data == nullptr ? 0 : malloc_usable_size(data);
  void* const moved = __libc_realloc(data, bytes);
  if (moved != nullptr || bytes == 0) subtract(before);
  return counted(moved);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  return counted(__libc_memalign(alignment, bytes));
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return memalign(alignment, bytes);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) {
  *out = memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}

void free(void* data) {
  if (data != nullptr) subtract(malloc_usable_size(data));
  __libc_free(data);
}

}  // extern "C"

#endif

namespace keratin::testing {

AllocationPeak::AllocationPeak()
    : before_(static_cast<std::size_t>(live.load())) {
  peak = live.load();
}

std::size_t AllocationPeak::bytes() const {
  return static_cast<std::size_t>(peak.load()) - before_;
}

}  // namespace keratin::testing

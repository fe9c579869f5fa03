#include "src/backends/cpu/tuning.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/threads.hpp>

#include "src/backends/host/memory.hpp"
#include "src/core/check.hpp"
#include "src/core/log.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

thread_local bool deterministic_scope = false;

struct Choices {
  std::mutex mutex;
  std::map<std::string, std::string> by_key;
};

Choices& choices() {
  static Choices instance;
  return instance;
}

// How long one candidate is timed: large models have hundreds of nodes.
constexpr double kSeconds = 0.02;

// Seconds of the best run.
double best_time(Sequence& sequence, double limit) {
  using Clock = std::chrono::steady_clock;
  sequence.run();  // warms caches, code and memory
  double best = std::numeric_limits<double>::infinity();
  double total = 0;
  for (int run = 0; run < 8; ++run) {
    const auto start = Clock::now();
    sequence.run();
    const double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    total += seconds;
    if (run > 0 && total > kSeconds) break;
    if (run == 2 && best > 1.5 * limit) break;  // hopeless
  }
  return best;
}

// Memory that holds ones: denormals or zeros would not do.
host::AlignedBuffer ones(std::int64_t bytes) {
  host::AlignedBuffer buffer(bytes);
  const auto count = static_cast<std::size_t>(bytes) / sizeof(float);
  std::fill_n(reinterpret_cast<float*>(buffer.data()), count, 1.0F);
  return buffer;
}

std::vector<host::AlignedBuffer> ones(const std::vector<std::int64_t>& sizes) {
  std::vector<host::AlignedBuffer> buffers;
  buffers.reserve(sizes.size());
  for (const std::int64_t bytes : sizes) buffers.push_back(ones(bytes));
  return buffers;
}

host::Binding bind_to(
    const std::vector<host::AlignedBuffer>& inputs,
    const std::vector<host::AlignedBuffer>& outputs,
    const host::AlignedBuffer& scratch) {
  host::Binding binding;
  for (const auto& buffer : inputs) {
    binding.inputs.push_back({buffer.data(), nullptr});
  }
  for (const auto& buffer : outputs) {
    binding.outputs.push_back({buffer.data(), nullptr});
  }
  binding.scratch = scratch.data();
  return binding;
}

}  // namespace

DeterministicScope::DeterministicScope(bool deterministic)
    : before_(deterministic_scope) {
  deterministic_scope = deterministic;
}

DeterministicScope::~DeterministicScope() {
  deterministic_scope = before_;
}

std::unique_ptr<Sequence> fastest(
    const std::string& key,
    const std::vector<Candidate>& candidates,
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes,
    bool small) {
  const bool timed = !deterministic_scope && !small && candidates.size() > 1;
  const std::string full_key =
      keratin::format("{} threads={}", key, num_threads());
  if (timed) {
    std::string known;
    {
      const std::lock_guard lock(choices().mutex);
      const auto found = choices().by_key.find(full_key);
      if (found != choices().by_key.end()) known = found->second;
    }
    for (const Candidate& candidate : candidates) {
      if (candidate.name == known) return candidate.make();
    }
  } else {
    for (const Candidate& candidate : candidates) {
      if (auto sequence = candidate.make()) return sequence;
    }
    KERATIN_CHECK(false, "oneDNN takes no form of {}", key);
  }

  const ComputeScope compute;
  const auto inputs = ones(input_bytes);
  const auto outputs = ones(output_bytes);
  std::unique_ptr<Sequence> winner;
  std::string winner_name;
  double best = std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    if (winner && candidate.last_resort) break;
    auto sequence = candidate.make();
    if (!sequence) continue;
    const host::AlignedBuffer scratch = ones(sequence->scratch_bytes());
    sequence->bind(bind_to(inputs, outputs, scratch));
    sequence->pack();
    const double seconds = best_time(*sequence, best);
    KERATIN_LOG(
        dispatch, "{}: {} takes {:.3f} ms", key, candidate.name, seconds * 1e3);
    // A later candidate must earn the place of an earlier, simpler one.
    if (seconds < 0.95 * best) {
      best = seconds;
      winner = std::move(sequence);
      winner_name = candidate.name;
    }
  }
  KERATIN_CHECK(winner != nullptr, "oneDNN takes no form of {}", key);
  const std::lock_guard lock(choices().mutex);
  choices().by_key.emplace(full_key, winner_name);
  return winner;
}

}  // namespace keratin::cpu

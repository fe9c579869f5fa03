#include "src/backends/cpu/tuning.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/threads.hpp>

#include "src/backends/host/memory.hpp"
#include "src/core/check.hpp"
#include "src/core/cpu_features.hpp"
#include "src/core/log.hpp"
#include "src/core/parallel.hpp"
#include "src/runtime/remembered_choices.hpp"

namespace keratin::cpu {

namespace {

// Where choices hold: another machine, library or number of threads has others.
std::string place() {
  const CpuFeatures& cpu = cpu_features();
  const dnnl_version_t& version = *dnnl_version();
  return keratin::format(
      "cpu: {}, {}, {} {}, oneDNN {}.{}.{}",
      cpu.model,
      cpu.isa.empty() ? "baseline" : cpu.isa.back(),
      num_threads(),
      num_threads() == 1 ? "thread" : "threads",
      version.major,
      version.minor,
      version.patch);
}

// How long one candidate is timed: large models have hundreds of nodes.
constexpr double kSeconds = 0.02;

constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));

double seconds_of_run(Sequence& sequence) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  sequence.run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds of the best run. `limit`: those of the best candidate before.
double best_time(Sequence& sequence, double limit) {
  // The first warms caches, code and memory.
  const double first = seconds_of_run(sequence);
  if (first > 3 * limit) return first;  // hopeless
  if (first > 2 * kSeconds) return std::min(first, seconds_of_run(sequence));
  double best = std::numeric_limits<double>::infinity();
  double total = 0;
  for (int run = 0; run < 8; ++run) {
    const double seconds = seconds_of_run(sequence);
    best = std::min(best, seconds);
    total += seconds;
    if (run > 0 && total > kSeconds) break;
    if (run == 2 && best > 1.5 * limit) break;  // hopeless
  }
  return best;
}

// Memory that holds numbers from -1 to 1, read as float32 or as bfloat16: zeros
// or denormals would not do.
host::AlignedBuffer sample(std::int64_t bytes) {
  host::AlignedBuffer buffer(bytes);
  auto* values = reinterpret_cast<float*>(buffer.data());
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < buffer.size() / kFloat; ++i) {
    state = state * 1664525U + 1013904223U;  // Numerical Recipes, 7.1.4
    const float value = static_cast<float>(state >> 8U) * 0x1p-23F - 1;
    const auto upper = std::bit_cast<std::uint32_t>(value) >> 16U;
    values[i] = std::bit_cast<float>(upper << 16U | upper);
  }
  return buffer;
}

std::vector<host::AlignedBuffer> samples(
    const std::vector<std::int64_t>& sizes) {
  std::vector<host::AlignedBuffer> buffers;
  buffers.reserve(sizes.size());
  for (const std::int64_t bytes : sizes) buffers.push_back(sample(bytes));
  return buffers;
}

std::vector<float> copy_of(const host::AlignedBuffer& buffer) {
  const auto* values = reinterpret_cast<const float*>(buffer.data());
  return {values, values + buffer.size() / kFloat};
}

// See Candidate::approximate.
bool is_close(
    const host::AlignedBuffer& result, const std::vector<float>& expected) {
  const auto* values = reinterpret_cast<const float*>(result.data());
  float largest = 0;
  for (const float value : expected) {
    largest = std::max(largest, std::abs(value));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    // Written so that NaN is not close.
    if (!(std::abs(values[i] - expected[i]) <= kClose * largest)) return false;
  }
  return !expected.empty();
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

std::unique_ptr<Sequence> make(const Candidate& candidate) {
  auto sequence = candidate.make();
  if (sequence) sequence->set_name(candidate.name);
  return sequence;
}

// Whether there is memory to time on. Where there is none, running the program
// will fail, too, and say what takes most.
bool have_room(
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes) {
  try {
    std::vector<host::AlignedBuffer> buffers;
    for (const auto* sizes : {&input_bytes, &output_bytes}) {
      for (const std::int64_t bytes : *sizes) buffers.emplace_back(bytes);
    }
    return true;
  } catch (const SystemError&) {
    return false;
  }
}

std::unique_ptr<Sequence> first_made(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) {
    if (auto sequence = make(candidate)) return sequence;
  }
  return nullptr;
}

// The candidate of this name; nothing when there is none or oneDNN declines it
// for this batch.
std::unique_ptr<Sequence> made_by_name(
    const std::vector<Candidate>& candidates, const std::string& name) {
  for (const Candidate& candidate : candidates) {
    if (candidate.name == name) return make(candidate);
  }
  return nullptr;
}

struct Winner {
  std::unique_ptr<Sequence> sequence;
  std::string name;
};

Winner timed_best(
    const std::string& work,
    const std::vector<Candidate>& candidates,
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes) {
  const ComputeScope compute;
  const auto inputs = samples(input_bytes);
  const auto outputs = samples(output_bytes);
  std::vector<float> expected;  // of the first candidate, where one is compared
  const bool compares = std::any_of(
      candidates.begin(), candidates.end(), [](const Candidate& candidate) {
        return candidate.approximate;
      });
  Winner winner;
  double best = std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    if (winner.sequence && candidate.last_resort) break;
    auto sequence = make(candidate);
    if (!sequence) continue;
    const host::AlignedBuffer scratch(sequence->scratch_bytes());
    sequence->bind(bind_to(inputs, outputs, scratch));
    sequence->pack();
    if (candidate.approximate) {
      sequence->run();
      if (!is_close(outputs[0], expected)) {
        KERATIN_LOG(dispatch, "{}: {} is not close", work, candidate.name);
        continue;
      }
    }
    const double seconds = best_time(*sequence, best);
    KERATIN_LOG(
        dispatch,
        "{}: {} takes {:.3f} ms",
        work,
        candidate.name,
        seconds * 1e3);
    if (expected.empty() && compares) expected = copy_of(outputs[0]);
    // A later candidate must earn the place of an earlier, simpler one.
    if (seconds < 0.95 * best) {
      best = seconds;
      winner = {std::move(sequence), candidate.name};
    }
  }
  return winner;
}

}  // namespace

std::unique_ptr<Sequence> fastest(
    const CompileOptions& options,
    const Work& work,
    const std::vector<Candidate>& candidates,
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes,
    bool small) {
  const bool untimed = options.deterministic || candidates.size() == 1;
  const std::string label =
      keratin::format("{} batch {}", work.name, work.batch);
  if (!untimed) {
    const Choices::Work key = {place(), work.name, work.batch};
    std::optional<std::string> known;
    if (options.choices) {
      known = options.choices->find(key, options.partial_batch);
    }
    if (!known && !small) known = remembered_choices().find(key);
    if (known) {
      if (auto sequence = made_by_name(candidates, *known)) {
        KERATIN_LOG(dispatch, "{}: {} as chosen before", label, *known);
        if (options.choices) options.choices->set(key, *known);
        return sequence;
      }
    }
    if (!small && have_room(input_bytes, output_bytes)) {
      Winner winner = timed_best(label, candidates, input_bytes, output_bytes);
      KERATIN_CHECK(
          winner.sequence != nullptr, "oneDNN takes no form of {}", label);
      remembered_choices().set(key, winner.name);
      if (options.choices) options.choices->set(key, winner.name);
      return std::move(winner.sequence);
    }
  }
  auto sequence = first_made(candidates);
  KERATIN_CHECK(sequence != nullptr, "oneDNN takes no form of {}", label);
  return sequence;
}

}  // namespace keratin::cpu

#include "src/runtime/profile_report.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

constexpr std::size_t kTableRows = 40;

std::atomic<std::ostream*> profile_stream{nullptr};

/// What belongs together in a table: times are of one run.
struct Sum {
  std::string name;
  double forward = 0;   // ms
  double backward = 0;  // ms
  double flops = 0;
  double bytes = 0;

  double ms() const { return forward + backward; }
};

double per_ms(double amount, double ms) {
  return ms > 0 ? amount / ms / 1e6 : 0;
}

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

void add_to(Sum& sum, const ProfileRow& row, std::int64_t runs) {
  const double times =
      static_cast<double>(row.calls) / static_cast<double>(runs);
  (row.origin.backward ? sum.backward : sum.forward) += row.ms() * times;
  sum.flops += static_cast<double>(row.flops) * times;
  sum.bytes += static_cast<double>(row.bytes) * times;
}

/// The rows by name, the dearest first; after kTableRows one for the rest.
template <class Name>
std::vector<Sum> sums_of(const ProgramProfile& profile, const Name& name) {
  std::map<std::string, Sum> by_name;
  for (const ProfileRow& row : profile.rows) {
    add_to(by_name[name(row)], row, profile.runs);
  }
  std::vector<Sum> sums;
  for (auto& [key, sum] : by_name) {
    sum.name = key;
    sums.push_back(std::move(sum));
  }
  std::stable_sort(sums.begin(), sums.end(), [](const Sum& a, const Sum& b) {
    return a.ms() > b.ms();
  });
  if (sums.size() <= kTableRows) return sums;
  Sum rest;
  rest.name = keratin::format("({} others)", sums.size() - kTableRows + 1);
  for (std::size_t i = kTableRows - 1; i < sums.size(); ++i) {
    rest.forward += sums[i].forward;
    rest.backward += sums[i].backward;
    rest.flops += sums[i].flops;
    rest.bytes += sums[i].bytes;
  }
  sums.resize(kTableRows - 1);
  sums.push_back(std::move(rest));
  return sums;
}

std::string table(
    std::string_view title, const std::vector<Sum>& sums, double whole) {
  std::size_t width = title.size();
  for (const Sum& sum : sums) width = std::max(width, sum.name.size());
  const auto padded = [&](std::string_view text) {
    return std::string(text) + std::string(width - text.size(), ' ');
  };
  std::string text = keratin::format(
      "  {}  forward ms  backward ms    share   GFLOP/s     GB/s\n",
      padded(title));
  for (const Sum& sum : sums) {
    text += keratin::format(
        "  {}  {:10.3f}  {:11.3f}  {:6.1f} %  {:8.1f}  {:7.1f}\n",
        padded(sum.name),
        sum.forward,
        sum.backward,
        percent(sum.ms(), whole),
        per_ms(sum.flops, sum.ms()),
        per_ms(sum.bytes, sum.ms()));
  }
  return text;
}

// Shapes hold commas and layer names may hold anything.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string csv_line(const ProgramProfile& profile, const ProfileRow& row) {
  return keratin::format(
      "{},{},{},{},{},{},{},{},{:.4f},{:.2f},{:.2f},{:.2f},{},{},{}\n",
      quoted(profile.name),
      row.node,
      quoted(row.origin.layer),
      row.origin.backward ? "backward" : "forward",
      row.op,
      row.kernel,
      quoted(row.details),
      quoted(row.shapes),
      row.ms(),
      percent(
          static_cast<double>(row.nanoseconds),
          static_cast<double>(profile.nanoseconds)),
      per_ms(static_cast<double>(row.flops), row.ms()),
      per_ms(static_cast<double>(row.bytes), row.ms()),
      row.flops,
      row.bytes,
      row.calls);
}

Config event(const ProfileRow& row, std::int64_t thread) {
  return Config::object(
      {{"name",
        row.origin.layer.empty() ? row.op : row.origin.layer + ": " + row.op},
       {"cat", row.origin.backward ? "backward" : "forward"},
       {"ph", "X"},
       {"ts", static_cast<double>(row.last_start) / 1e3},
       {"dur", static_cast<double>(row.last_nanoseconds) / 1e3},
       {"pid", 1},
       {"tid", thread},
       {"args",
        Config::object(
            {{"node", row.node},
             {"kernel", row.kernel},
             {"details", row.details},
             {"shapes", row.shapes},
             {"flops", row.flops},
             {"bytes", row.bytes}})}});
}

/// What has ended so far, by file.
class Files {
 public:
  void add(const std::string& path, const ProgramProfile& profile) {
    const std::lock_guard lock(mutex_);
    std::vector<ProgramProfile>& all = by_path_[path];
    all.push_back(profile);
    std::ofstream out(path, std::ios::binary);
    out << (path.ends_with(".csv") ? profile_csv(all) : profile_trace(all))
        << std::flush;
    if (!out) {
      throw SystemError(
          "[KERATIN_PROFILE] cannot write " + path +
          "; name a file in a folder that is there");
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<ProgramProfile>> by_path_;
};

}  // namespace

void set_profile_stream(std::ostream* out) {
  profile_stream = out;
}

void report_profile(
    const ProgramProfile& profile, std::span<const std::string> targets) {
  static Files files;
  std::ostream* const stream = profile_stream;
  for (const std::string& target : targets) {
    if (target == "1") {
      (stream != nullptr ? *stream : std::cerr)
          << profile_text(profile) << std::flush;
      continue;
    }
    try {
      files.add(target, profile);
    } catch (const SystemError& error) {
      std::cerr << "keratin: " << error.what() << std::endl;
    }
  }
}

std::string profile_text(const ProgramProfile& profile) {
  const double whole = profile.ms();
  const double rest = profile.unaccounted_ms();
  return keratin::format(
             "{}: {:.3f} ms a run (mean of {}), of it {:.3f} ms ({:.1f} %) in "
             "no kernel\n",
             profile.name,
             whole,
             profile.runs,
             rest,
             percent(rest, whole)) +
         table(
             "layer",
             sums_of(
                 profile,
                 [](const ProfileRow& row) {
                   return row.origin.layer.empty() ? "(none)"
                                                   : row.origin.layer;
                 }),
             whole) +
         table(
             "op, kernel",
             sums_of(
                 profile,
                 [](const ProfileRow& row) {
                   std::string name = row.op + ", " + row.kernel;
                   if (!row.details.empty()) name += " (" + row.details + ")";
                   return name;
                 }),
             whole);
}

std::string profile_csv(std::span<const ProgramProfile> profiles) {
  std::string text =
      "program,node,layer,pass,op,kernel,details,shapes,ms,percent,gflop_s,"
      "gb_s,flops,bytes,calls\n";
  for (const ProgramProfile& profile : profiles) {
    for (const ProfileRow& row : profile.rows) {
      if (row.calls > 0) text += csv_line(profile, row);
    }
    ProfileRow rest;
    rest.op = "(no kernel)";
    rest.calls = profile.runs;
    rest.nanoseconds = static_cast<std::int64_t>(
        profile.unaccounted_ms() * 1e6 * static_cast<double>(profile.runs));
    text += csv_line(profile, rest);
  }
  return text;
}

std::string profile_trace(std::span<const ProgramProfile> profiles) {
  Config::Array events;
  std::int64_t thread = 0;
  for (const ProgramProfile& profile : profiles) {
    ++thread;
    events.push_back(Config::object(
        {{"name", "thread_name"},
         {"ph", "M"},
         {"pid", 1},
         {"tid", thread},
         {"args", Config::object({{"name", profile.name}})}}));
    for (const ProfileRow& row : profile.rows) {
      if (row.calls > 0) events.push_back(event(row, thread));
    }
  }
  return Config::object(
             {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}})
      .dump();
}

}  // namespace keratin

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <keratin/config.hpp>

#include "src/core/plugin_export.hpp"

namespace keratin {

/// What backends chose by timing, kept so that the same is chosen again: by the
/// next program of a model and by a run that goes on from a file.
///
/// A choice is made for some work of some size. `size` is what the batch
/// decides (the rows of a batch); all else that names the work is in `name`.
/// Choices hold for the place they were made in: machine, threads, library.
///
/// Nothing here is trusted: a choice is a name, and a backend that does not
/// know it times again. Safe from several threads.
class KERATIN_PLUGIN_EXPORT Choices {
 public:
  struct Work {
    std::string place;  // "cpu: Intel(R) Xeon(R) ..., 2 threads, oneDNN 2.6.3"
    std::string name;   // "conv (28, 28, 1) (3, 3, 1, 32) ..."
    std::int64_t size = 0;
  };

  /// Sizes of one work that are told apart. Beyond these the nearest one's
  /// choice serves, so that ever new sizes are neither timed nor kept.
  static constexpr std::size_t kSizes = 32;

  /// The choice for the work, or none. `any_size`: else that of the nearest
  /// larger size, or of the largest.
  std::optional<std::string> find(
      const Work& work, bool any_size = false) const;

  /// Notes a choice; the first one for a work stays.
  void set(const Work& work, const std::string& choice);

  bool empty() const { return size() == 0; }

  std::size_t size() const;

  /// {place: {name: {size: choice}}}
  Config to_config() const;

  /// Adds what to_config() wrote. Throws InvalidArgument, `where` naming the
  /// text, and adds nothing when it is something else.
  void add(const Config& config, const std::string& where);

 private:
  using Sizes = std::map<std::int64_t, std::string>;
  using Works = std::map<std::string, Sizes>;

  mutable std::mutex mutex_;
  std::map<std::string, Works> places_;
};

}  // namespace keratin

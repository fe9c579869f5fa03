#include <curl/curl.h>
#include <hdf5.h>
#include <hwy/highway.h>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.h>
#include <spdlog/version.h>
#include <zip.h>
#include <zlib.h>

#include <keratin/backend.hpp>
#include <keratin/info.hpp>
#include <keratin/threads.hpp>

#include "src/core/cpu_features.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

/// What is loaded where the library says, else what was compiled against.
Config libraries() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  const dnnl_version_t& dnnl = *dnnl_version();
  return Config::object(
      {{"oneDNN", format("{}.{}.{}", dnnl.major, dnnl.minor, dnnl.patch)},
       {"HDF5", format("{}.{}.{}", major, minor, release)},
       {"libzip", zip_libzip_version()},
       {"zlib", zlibVersion()},
       {"libcurl", curl_version_info(CURLVERSION_NOW)->version},
       {"nlohmann/json",
        format(
            "{}.{}.{}",
            NLOHMANN_JSON_VERSION_MAJOR,
            NLOHMANN_JSON_VERSION_MINOR,
            NLOHMANN_JSON_VERSION_PATCH)},
       {"spdlog",
        format(
            "{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
       {"fmt",
        format(
            "{}.{}.{}",
            FMT_VERSION / 10000,
            FMT_VERSION / 100 % 100,
            FMT_VERSION % 100)},
       {"Highway", format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)}});
}

Config settings() {
  Config out = Config::object();
  for (const env::Setting& setting : env::settings()) {
    const auto value = env::raw(setting.name);
    out[setting.name] = Config::object(
        {{"value", value ? Config(*value) : Config()},
         {"kind", setting.kind},
         {"doc", setting.doc}});
  }
  return out;
}

}  // namespace

std::string version() {
  return KERATIN_VERSION;
}

Config system_info() {
  Config backends = Config::array();
  for (const BackendStatus& status : list_backends()) {
    backends.push_back(Config::object(
        {{"name", status.name},
         {"available", status.available},
         {"detail", status.detail}}));
  }
  const CpuFeatures& features = cpu_features();
  Config isa = Config::array();
  for (const std::string& name : features.isa) isa.push_back(name);
  return Config::object(
      {{"version", version()},
       {"backends", std::move(backends)},
       {"cpu",
        Config::object(
            {{"model", features.model},
             {"features", std::move(isa)},
             {"amx_palette_missing", features.amx_palette_missing}})},
       {"threads", num_threads()},
       {"libraries", libraries()},
       {"settings", settings()}});
}

}  // namespace keratin

#include "src/cli/data.hpp"

#include <map>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/io/npy.hpp>

namespace keratin::cli {

namespace {

Tensor nothing() {
  return Tensor(DType::f32, {0});
}

data::Examples from_npz(const std::string& path) {
  const std::map<std::string, Tensor> arrays = io::load_npz(path);
  const auto x = arrays.find("x");
  if (x == arrays.end()) {
    throw InvalidArgument(
        "[--data " + path + "] expected an array called x in the file");
  }
  const auto y = arrays.find("y");
  return {x->second, y == arrays.end() ? nothing() : y->second};
}

data::Examples part_of(
    const ExperimentData& data,
    const std::string& part,
    const std::string& spec) {
  if (part == "train") return data.train;
  if (part == "test" && !data.has_test()) {
    throw InvalidArgument("[--data " + spec + "] has no test part");
  }
  if (part == "test" || (part.empty() && data.has_test())) return data.test;
  if (part.empty()) return data.train;
  throw InvalidArgument(
      "[--data " + spec + "] expected train or test after the colon, got '" +
      part + "'");
}

}  // namespace

data::Examples read_data(const std::string& spec) {
  if (spec.ends_with(".npy")) return {io::load_npy(spec), nothing()};
  if (spec.ends_with(".npz")) return from_npz(spec);
  const std::size_t colon = spec.rfind(':');
  const std::string name = spec.substr(0, colon);
  const std::string part =
      colon == std::string::npos ? "" : spec.substr(colon + 1);
  if (name.ends_with(".json")) {
    return part_of(Experiment::from_file(name).data(), part, spec);
  }
  return part_of(load_named_data(name), part, spec);
}

}  // namespace keratin::cli

#include "src/cli/data.hpp"

#include <map>
#include <vector>

#include <keratin/error.hpp>
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

DataPart part_of(
    const ExperimentData& data,
    const std::string& part,
    const std::string& spec) {
  if (part.empty()) return data.last();
  if (part == "train") return data.train;
  if (part != "test" && part != "validation") {
    throw InvalidArgument(
        "[--data " + spec +
        "] expected train, validation or test after the "
        "colon, got '" +
        part + "'");
  }
  const DataPart& found = part == "test" ? data.test : data.validation;
  if (found.empty()) {
    throw InvalidArgument("[--data " + spec + "] has no " + part + " part");
  }
  return found;
}

}  // namespace

DataPart read_data(const std::string& spec) {
  if (spec.ends_with(".npy")) {
    return data::Examples{io::load_npy(spec), nothing()};
  }
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

data::Examples collect(const DataPart& part) {
  if (!part.batches) return part;
  std::vector<Tensor> x;
  std::vector<Tensor> y;
  for (const data::Element& batch : *part.batches) {
    x.push_back(batch.x.tensors().at(0));
    y.push_back(batch.y.tensors().at(0));
  }
  return {concatenate(x), concatenate(y)};
}

}  // namespace keratin::cli

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <keratin/config.hpp>

/// TensorFlow's functions in models of tf.keras: a table of what stands for
/// them here, and a rule for each where renaming arguments is not enough.
namespace keratin::legacy {

/// Where a function is met, for messages.
struct TfPlace {
  std::string where;
  std::string layer;
  std::string function;
};

[[noreturn]] void refuse(
    const TfPlace& place, const std::string& why = "has no counterpart here");

/// One call: operands by position, everything else by TensorFlow's names. A
/// rule puts what Keras's call takes by name into `keywords`.
struct TfCall {
  Config args = Config::array();
  Config kwargs = Config::object();
  Config keywords = Config::object();
};

/// Keras's operation in the place of TensorFlow's.
struct Substitute {
  std::string module;  // "numpy" of keras.src.ops, or "layers"
  std::string name;
  Config arguments = Config::object();  // of its constructor
  std::string then;  // "Square": an operation of its result, itself numpy's
};

struct Renamed {
  std::string_view from;
  std::string_view to;
};

struct TfFunction {
  std::string_view function;  // without "tf."
  std::string_view module;
  std::string_view name;
  std::string_view operand = {};        // the keyword of a second operand
  std::vector<Renamed> arguments = {};  // that become arguments of the layer
  const char* defaults = "{}";          // arguments where TensorFlow's differ
  void (*rule)(Substitute& to, TfCall& call, const TfPlace& place) = nullptr;
  bool takes_list = false;  // of operands
};

/// Null when there is none. Also finds it under names of older versions.
const TfFunction* find_tf_function(std::string_view name);

/// The layers that stand for a function and its calls: the last has the name
/// and yields the result of `object`, whose function this was.
std::vector<Config> substitutes(
    const Config& object,
    const TfPlace& place,
    const std::vector<TfCall>& calls);

/// Those of a TensorFlowOpLayer: a node of TensorFlow's graph.
std::vector<Config> node_to_keras3(
    const Config& object, const std::string& where);

/// What a call is made with first; throws InvalidArgument when that is nothing.
Config& first_of(Config& args, const std::string& where);

/// start:stop:step as Keras 3 writes slices.
Config slice_item(Config start, Config stop, Config step);

// -- rules
// ----------------------------------------------------------------------

namespace tf_rules {

void conv(Substitute& to, TfCall& call, const TfPlace& place);
void einsum(Substitute& to, TfCall& call, const TfPlace& place);
void gather(Substitute& to, TfCall& call, const TfPlace& place);
void l2_normalize(Substitute& to, TfCall& call, const TfPlace& place);
void matmul(Substitute& to, TfCall& call, const TfPlace& place);
void norm(Substitute& to, TfCall& call, const TfPlace& place);
void one_hot(Substitute& to, TfCall& call, const TfPlace& place);
void pad(Substitute& to, TfCall& call, const TfPlace& place);
void pool(Substitute& to, TfCall& call, const TfPlace& place);
void resize(Substitute& to, TfCall& call, const TfPlace& place);
void slice(Substitute& to, TfCall& call, const TfPlace& place);
void split(Substitute& to, TfCall& call, const TfPlace& place);
void squared_difference(Substitute& to, TfCall& call, const TfPlace& place);
void strided_slice(Substitute& to, TfCall& call, const TfPlace& place);
void where(Substitute& to, TfCall& call, const TfPlace& place);

}  // namespace tf_rules

}  // namespace keratin::legacy

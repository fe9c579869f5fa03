#include <keratin/ops.hpp>

#include "tests/layers/layer_support.hpp"

// A layer of a user's own, as the documentation of LayerImpl shows it.

namespace keratin {

namespace {

class Scale final : public LayerImpl {
 public:
  Scale() = default;

  explicit Scale(double start) : start_(start) {}

  std::string class_name() const override { return "Scale"; }

  void fields(FieldVisitor& visit) override {
    LayerImpl::fields(visit);
    visit("start", start_);
  }

  void build(const std::vector<Shape>& inputs) override {
    scale_ = add_weight(
        "scale",
        {inputs[0].back()},
        {.initializer = initializers::Constant(start_)});
  }

  Value call(CallContext& ctx, const Value& x) override {
    return x * ctx.read(scale_);
  }

 private:
  double start_ = 1;
  Variable scale_;
};

}  // namespace

using namespace testing;

TEST_CASE("a registered layer of the user's own keeps the layer contract") {
  register_layer<Scale>("Scale");
  check_layer(
      {.layer = [] { return make_layer<Scale>(3.0); },
       .inputs = {{2, 3}},
       .output = {2, 3},
       .weights = 1});
}

TEST_CASE("a registered layer is written under its package and read back") {
  register_layer<Scale>("Scale");
  const Layer layer = make_layer<Scale>(3.0);
  const Config config = serialize(layer.impl());
  CHECK(config.at("registered_name").as_string() == "Custom>Scale");
  const Layer again = deserialize_layer(config);
  check_values(apply(again, array({1, 2}, {1, 2})), {1, 2}, {3, 6});
}

TEST_CASE("a layer nobody registered is refused with the nearest name") {
  const Config config = Config::object({{"class_name", "Dens"}});
  CHECK(
      message_of<InvalidArgument>([&] {
        deserialize_layer(config, "model");
      }).find("no layer is called 'Dens'; did you mean \"Dense\"?") !=
      std::string::npos);
}

TEST_CASE("unknown and missing arguments of a layer in a file are named") {
  Config config = Config::object({{"class_name", "Dense"}});
  config["config"] = Config::object({{"units", 3}, {"use_bais", true}});
  CHECK(
      message_of<InvalidArgument>([&] { deserialize_layer(config, "model"); })
          .find("Dense has no argument 'use_bais'; did you mean "
                "\"use_bias\"?") != std::string::npos);
  config["config"] = Config::object();
  CHECK(message_of<InvalidArgument>([&] {
          deserialize_layer(config, "model");
        }).find("Dense needs the argument 'units'") != std::string::npos);
}

}  // namespace keratin

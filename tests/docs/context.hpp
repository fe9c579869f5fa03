#pragma once

// What the snippets of the guides take for granted: the data and the models
// that the text around them speaks of. Only declared: snippets are not run.

#include <iostream>
#include <string>
#include <utility>

#include <keratin/keratin.hpp>

namespace kt = keratin;
namespace ops = keratin::ops;
using namespace keratin::layers;

extern kt::data::Examples train;
extern kt::data::Examples test;
extern kt::data::Dataset dataset;
extern kt::Sequential model;
extern kt::SymbolicTensor h;

extern kt::Tensor initial;
extern kt::Tensor labels;
extern kt::Tensor loss;
extern kt::Tensor one_hot;
extern kt::Tensor pictures;
extern kt::Tensor texts;
extern kt::Tensor w;
extern kt::Tensor x;
extern kt::Tensor y;

kt::Tensor flip(const kt::Tensor& pictures);

/// A user's layer around a member function that a page shows.
class SnippetLayer : public kt::LayerImpl {
 protected:
  std::int64_t axis_ = 0;
  std::string mode_ = "add";
  kt::Variable state_;
};

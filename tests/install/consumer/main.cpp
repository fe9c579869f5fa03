// Uses the installed library through public headers alone, an exception that
// crosses its border included.

#include <iostream>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/error.hpp>
#include <keratin/random.hpp>
#include <keratin/tensor.hpp>

namespace kt = keratin;

int main() {
  kt::set_random_seed(1);
  const kt::Tensor x(std::vector<float>{1, 2, 3, 4}, {2, 2});
  std::cout << x << "\n" << kt::Config::parse("{\"units\": 4}").dump() << "\n";
  try {
    x.reshape({3});
  } catch (const kt::InvalidArgument& error) {
    std::cout << error.what() << "\n";
    return 0;
  }
  std::cerr << "expected InvalidArgument\n";
  return 1;
}

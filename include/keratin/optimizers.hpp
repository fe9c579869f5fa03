#pragma once

#include <keratin/optimizers/adam.hpp>
#include <keratin/optimizers/gradient.hpp>
#include <keratin/optimizers/matrix.hpp>
#include <keratin/optimizers/optimizer.hpp>
#include <keratin/optimizers/wrappers.hpp>

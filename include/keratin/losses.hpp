#pragma once

#include <keratin/losses/crossentropy.hpp>
#include <keratin/losses/loss.hpp>
#include <keratin/losses/regression.hpp>

#pragma once

#include <functional>
#include <string>

#include <keratin/model.hpp>

namespace keratin {

/// What Model::save and save_weights write, made in memory now; calling the
/// result writes it, on whichever thread. Errors as theirs: InvalidArgument
/// now, SystemError then.
std::function<void()> prepared_save(
    const Model& saved, const std::string& path);
std::function<void()> prepared_save_weights(
    const Model& saved, const std::string& path);

}  // namespace keratin

#pragma once

/// Marks a name that plug-ins use besides the public headers' (ir, runtime and
/// what their inline code calls). The library exports these and the names
/// marked KERATIN_API, nothing else. They are no promise to users: a change
/// raises KERATIN_PLUGIN_API (src/runtime/plugin.hpp).
#define KERATIN_PLUGIN_EXPORT __attribute__((visibility("default")))

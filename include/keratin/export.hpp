#pragma once

/// Marks a name that the shared library exports. Everything else is hidden.
#define KERATIN_API __attribute__((visibility("default")))

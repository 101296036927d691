// A cursor over untrusted bytes: see imaging/byte_reader.hpp.
#pragma once

#include "imaging/byte_reader.hpp"  // IWYU pragma: export

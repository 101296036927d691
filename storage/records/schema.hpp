// The schema's version, as the program needs it.
#pragma once

#include "base/result.hpp"
#include "storage/records/connection_pool.hpp"

namespace photogate::storage::records {

/// invalid_configuration where the database's schema is behind or ahead, naming what to do.
Result<> check_schema(Pool& pool);

}  // namespace photogate::storage::records

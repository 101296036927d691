// What reading one file may cost: see imaging/work_budget.hpp.
#pragma once

#include "imaging/work_budget.hpp"  // IWYU pragma: export

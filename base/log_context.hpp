// What lines of the log carry besides their own fields: the id of the trace that this thread works for.
//
// Thread safety: each thread has its own.
#pragma once

#include <string_view>

namespace photogate::log {

/// Lines that this thread writes from here on have it as `trace_id`; empty: none. The text outlives its use.
void set_trace_id(std::string_view id) noexcept;
std::string_view trace_id() noexcept;

}  // namespace photogate::log

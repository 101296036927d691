// How many connections the process's descriptors allow.
//
// Thread safety: to be called before there are threads that open files.
#pragma once

#include <cstddef>

namespace photogate::gateway::system {

/// Raises the soft limit of open files as far as `servers` of `wanted` connections each need it and the hard
/// limit lets it go. What each server then may have: `wanted`, or less where the descriptors do not suffice,
/// which is logged.
std::size_t allow_connections(std::size_t wanted, std::size_t servers);

}  // namespace photogate::gateway::system

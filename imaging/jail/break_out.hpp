// The self-test of the jail: what is forbidden, tried. Harmless where it succeeds: nothing is written, sent
// or run.
#pragma once

#include "imaging/jail_report.hpp"

namespace photogate::imaging {

/// Opens the root folder, its own environment and a nameless file; makes sockets; makes a process and starts
/// a program. Fills in the three attempts and nothing else.
JailReport try_to_break_out();

}  // namespace photogate::imaging

// Tells the service manager how things stand: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET.
// Without that variable it does nothing.
//
// Thread safety: any thread.
#pragma once

#include <string>
#include <string_view>

namespace photogate::gateway::system {

/// `READY=1`, `STOPPING=1`, `STATUS=…`; a failure to tell is not a failure of the service.
void notify_service_manager(std::string_view state);

/// That a reload begins, with the time that systemd asks for (sd_notify(3), RELOADING=1).
std::string reloading_notice();

}  // namespace photogate::gateway::system

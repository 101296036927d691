// The signals of a service: TERM and INT ask it to stop, a second one of them ends it at once; HUP asks it to read its
// configuration again.
//
// Block them before any other thread starts (the constructor does), so that only wait() sees them.
// Thread safety: one for the process, made and used on the main thread.
#pragma once

namespace photogate::gateway::system {

class StopSignals {
  public:
    StopSignals();
    /// Until the next HUP, or the first TERM or INT; which one. After one of the latter another one ends the process
    /// at once, with 128 + its number, and HUP is ignored.
    int wait();
};

}  // namespace photogate::gateway::system

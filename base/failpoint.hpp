// Named places at which a test may make the program die, wait or fail: the crash points that nothing may be
// lost at.
//
// They act where the build has PHOTOGATE_FAILPOINTS (the Debug presets). In a release nothing acts and no
// environment is read. A program that has them obeys
//
//   PHOTOGATE_FAILPOINTS='after_claim=kill@3;mid_fetch=pause:0.5;before_public_put=error'
//
// read once: `kill` is SIGKILL to this very process, `pause:SECONDS` holds the thread, `error` makes the step
// fail as it would with the part behind it away. `@N`: at the Nth time alone; without it every time. What
// can't be read ends the program, so that no test passes because of a misspelt word.
//
// Thread safety: any thread.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace photogate::failpoint {

enum class Point {
    after_create_commit,     ///< the upload is committed, nobody has been answered
    before_create_answer,    ///< the answer is made, not written
    before_observe_commit,   ///< an event is read and its changes written, not committed
    after_observe_commit,    ///< the transition is committed, the store has no 2xx
    after_claim,             ///< the lease is committed, the job not begun
    mid_fetch,               ///< a part of the original has arrived
    after_image,             ///< the picture is made, nothing put
    mid_public_put,          ///< the store has the head and waits for the body
    after_public_put,        ///< the public object is there, no row knows it
    after_publish_commit,    ///< the publication is committed, the original is still there
    after_reject_commit,     ///< as above, for a rejection
    after_original_copy,     ///< the kept original is in both buckets
    after_original_removed,  ///< settled in the store, its job still open
    after_callback_claim,    ///< the lease is committed, nothing sent
    after_callback_answer,   ///< the receiver has said 2xx, no row knows it
    mid_reap,                ///< stale leases are requeued, spent ones not failed
    mid_reconcile,           ///< some of a listing has been taken in
    after_sweep_opened,      ///< an orphan is guarded and judged, its removal not asked for
    mid_sweeper,             ///< an orphan is removed from the store, its sweep still open
    mid_migration,           ///< a migration's statements have run, not committed
};

/// The enumerator's name.
std::string_view to_string(Point point);

/// Does what the environment asks of this point. Errors: unavailable, where it asks for `error`.
Result<> reach(Point point);

/// For places where nothing can fail: dies or waits.
inline void pass(Point point) {
    (void)reach(point);
}

}  // namespace photogate::failpoint

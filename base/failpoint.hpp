// Named places at which a test may make the program die, wait or fail: the crash points at which nothing may
// be lost.
//
// They are active in builds with PHOTOGATE_FAILPOINTS (the Debug presets). A release build ignores them and
// reads no environment. A build with failpoints obeys
//
//   PHOTOGATE_FAILPOINTS='after_claim=kill@3;mid_fetch=pause:0.5;before_public_put=error'
//
// read once: `kill` sends SIGKILL to this process, `pause:SECONDS` blocks the thread, `error` makes the step
// fail as if its dependency were unavailable. `@N`: only the Nth time; without it every time. An unreadable
// value ends the program, so that no test passes because of a misspelling.
//
// Thread safety: any thread.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace photogate::failpoint {

enum class Point {
    after_create_commit,     ///< the upload is committed, no response is sent
    before_create_answer,    ///< the response is ready, not written
    before_observe_commit,   ///< an event is read and its changes written, not committed
    after_observe_commit,    ///< the transition is committed, the store has no 2xx
    after_claim,             ///< the lease is committed, the job not started
    mid_fetch,               ///< a part of the original has arrived
    after_image,             ///< the picture is encoded, nothing is put
    mid_public_put,          ///< the store has the request head and waits for the body
    after_public_put,        ///< the public object exists, no row refers to it
    after_publish_commit,    ///< the publication is committed, the original still exists
    after_reject_commit,     ///< as above, for a rejection
    after_original_copy,     ///< the kept original is in both buckets
    after_original_removed,  ///< settled in the store, its job still open
    after_late_removed,      ///< a file that was put again after the end is removed, its job still open
    after_callback_claim,    ///< the lease is committed, nothing sent
    after_callback_answer,   ///< the receiver has answered 2xx, no row records it
    after_ended_leases,      ///< leases of killed processes are over, nothing is requeued
    mid_reap,                ///< stale leases are requeued, spent ones not failed
    mid_reconcile,           ///< a part of a listing has been processed
    after_sweep_opened,      ///< an orphan is marked and judged, its removal not requested
    mid_sweeper,             ///< an orphan is removed from the store, its sweep still open
    mid_migration,           ///< a migration's statements have run, not committed
};

/// The enumerator's name.
std::string_view to_string(Point point);

/// Executes the action configured for this point. Errors: unavailable, if it is `error`.
Result<> reach(Point point);

/// For places that can't fail: dies or waits.
inline void pass(Point point) {
    (void)reach(point);
}

}  // namespace photogate::failpoint

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
    after_create_commit,       ///< the upload is committed, no response is sent
    before_create_answer,      ///< the response is ready, not written
    after_parts_begun,         ///< the store has a multipart upload, no row knows its id
    after_parts_completed,     ///< the store has joined the parts, the upload is still created
    after_parts_given_up,      ///< abandoned parts are given up in the row, the store still has them
    after_chunk_put,           ///< a chunk of a resumable upload is in the store, no row knows it
    after_chunk_commit,        ///< its offset is committed, its client has no answer
    after_received,            ///< the last byte is committed, nothing is assembled
    after_assembled,           ///< the object is put, the upload is still created
    before_chunks_removed,     ///< the upload has its object, its chunks are all there
    before_observe_commit,     ///< an event is read and its changes written, not committed
    after_observe_commit,      ///< the transition is committed, the store has no 2xx
    before_queue_ack,          ///< a queue's events are durable, the queue has not been told
    after_claim,               ///< the lease is committed, the job not started
    mid_fetch,                 ///< a part of the original has arrived
    after_grant_verdict,       ///< the app's hook has answered, no upload is stored
    after_hold,                ///< a job waits for a gate in its row, its worker does not know
    after_held_released,       ///< jobs that waited for a gate are due again, nobody has claimed them
    after_scan,                ///< the scanner has answered, nothing is decoded
    after_publish_verdict,     ///< the app's hook has answered, nothing is put and no row records it
    after_image,               ///< the picture is encoded, nothing is put
    mid_public_put,            ///< the store has the request head and waits for the body
    after_public_put,          ///< the public object exists, no row refers to it
    after_publish_commit,      ///< the publication is committed, the original still exists
    after_variants_put,        ///< versions made ahead are put, no row refers to them
    after_variant_made,        ///< one of several versions is recorded, the others not, none announced
    mid_backfill,              ///< a backfill's jobs and its cursor are written, not committed
    after_backfill,            ///< they are committed
    after_reject_commit,       ///< as above, for a rejection
    after_original_copy,       ///< the kept original is in both buckets
    after_original_removed,    ///< settled in the store, its job still open
    after_late_removed,        ///< a file that was put again after the end is removed, its job still open
    after_version_claim,       ///< the claim on a version is committed, nothing fetched
    mid_version_fetch,         ///< a part of the published image has arrived
    after_version_image,       ///< the version is encoded, nothing is put
    after_version_put,         ///< the version's object exists, no row refers to it
    after_version_commit,      ///< the version's row is committed, nobody is answered
    before_disk_cache_rename,  ///< a file of the disk cache is whole, under its unfinished name
    after_package_begun,       ///< a package's row names its object, the store knows nothing of it
    after_package_multipart,   ///< the store has a multipart upload, the package's row has not its id
    after_package_part,        ///< a part is in the store, nothing tells of it
    before_package_completed,  ///< all parts are in the store
    after_package_completed,   ///< the object is there, the package is still building
    before_package_commit,     ///< ready or failed and its callback are written, not committed
    after_package_commit,      ///< they are committed, the worker does not know
    after_package_removed,     ///< the object is removed, the package's row still names it
    after_callback_claim,      ///< the lease is committed, nothing sent
    after_callback_answer,     ///< the receiver has answered 2xx, no row records it
    after_ended_leases,        ///< leases of killed processes are over, nothing is requeued
    mid_reap,                  ///< stale leases are requeued, spent ones not failed
    mid_reconcile,             ///< a part of a listing has been processed
    after_sweep_opened,        ///< an orphan is marked and judged, its removal not requested
    mid_sweeper,               ///< an orphan is removed from the store, its sweep still open
    after_versions_forgotten,  ///< rows of unused versions are gone, their objects not
    after_package_asked,  ///< a package's items are fixed, none of their versions made, no response is sent
    after_package_item,   ///< a version of one of them is recorded, its item is not
    before_package_plan,  ///< all items are recorded, the archive is not laid out
    after_package_plan,   ///< it is laid out and committed
    mid_migration,        ///< a migration's statements have run, not committed
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

// What is done by turns, by whichever gateway comes first, and what a sweep is told about a page of objects.
//
// A round is held by a lease of the database's clock. Its cursor and tally are kept with it, so that whoever
// takes a round over after its holder died goes on where that one was. Losing a round is not an error: what
// is done in one is safe to do twice, the lease only spares the store.
//
// Thread safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate::storage::records {

/// What a round came across.
struct RoundTally {
    std::uint64_t seen = 0;     ///< rows or objects that were judged
    std::uint64_t removed = 0;  ///< objects removed, or given to a job that removes them
    std::uint64_t unknown = 0;  ///< objects that photogate can not account for
    bool operator==(const RoundTally&) const = default;
};

struct Round {
    std::string name;
    std::string token;
    std::string cursor;  ///< empty: from the beginning
    RoundTally tally;
};

enum class RoundStart {
    when_due,
    at_once,  ///< though it is not due; never while another holds it
};

/// Where a walk through the uploads whose grant has ended stands.
struct PastGrant {
    Timestamp expires_at{};
    std::string id;
};

/// An upload as a sweep of the incoming bucket sees it.
struct UploadAt {
    ObjectKey key;
    UploadId id;
    model::UploadState state = model::UploadState::created;
    bool has_jobs = false;
};

/// A public object's name, and whose it says it is.
struct PublicName {
    PublicId id;
    ObjectKey key;
};

/// A public object that a row refers to, and the bytes that it must have.
struct ReferredImage {
    ObjectKey key;
    ETag etag;
    std::string sha256;  ///< lower-case hex
};

}  // namespace photogate::storage::records

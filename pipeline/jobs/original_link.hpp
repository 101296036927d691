// A link to an original in the incoming bucket, for an app's own moderation.
//
// It is a presigned GET (AWS, sigv4-query-string-auth) with the worker's credential, at the store's public endpoint, of that
// one object (where the store has versions, of that version). The store answers with a download of unknown type, whatever
// the client declared: these bytes are not proven, and no browser is to show them as a page of the store's host.
//
// Thread safety: pure function. Errors: those of signing.
#pragma once

#include <chrono>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/upload.hpp"
#include "pipeline/stores.hpp"
#include "signer/signer.hpp"

namespace photogate::pipeline::jobs {

/// Good for that long, as this machine's clock and the store's have it.
Result<signer::PresignedUrl> original_link(const model::Upload& upload, const Store& store, Timestamp now,
                                           std::chrono::seconds good_for);

}  // namespace photogate::pipeline::jobs

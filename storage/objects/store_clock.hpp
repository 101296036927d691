// The store's time: the Date of a response that needs no permissions.
//
// The store checks a presigned URL by its own clock, and its rejection does not name the time as the reason.
// The clock is therefore read before URLs are signed for clients.
//
// Thread safety: any thread.
#pragma once

#include <chrono>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::storage::objects {

struct ClockReading {
    std::chrono::microseconds
        ahead{};  ///< of this machine's; accurate to half a second plus half of the round trip
    std::chrono::microseconds took{};
};

/// Errors: network errors; store_protocol without a Date.
Result<ClockReading> read_store_clock(const Endpoint& endpoint, const S3Dependencies& dependencies);

}  // namespace photogate::storage::objects

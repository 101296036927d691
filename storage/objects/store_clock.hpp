// What time a store believes it is: read off the Date of an answer that needs no rights.
//
// A presigned URL is judged by the store's clock, and its refusal does not say that the time was the reason.
// So the clock is read before anything is signed for others.
//
// Thread safety: any thread.
#pragma once

#include <chrono>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::storage::objects {

struct ClockReading {
    std::chrono::microseconds ahead{};  ///< of ours; to half a second, and to half of what the answer took
    std::chrono::microseconds took{};
};

/// Errors: of the network; store_protocol where no Date is told.
Result<ClockReading> read_store_clock(const Endpoint& endpoint, const S3Parts& parts);

}  // namespace photogate::storage::objects

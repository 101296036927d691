// What an operator may choose about the records: the database, its connections, limits and retention.
//
// Thread safety: values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "storage/database/pooler.hpp"
#include "storage/records/callback_breaker.hpp"

namespace photogate::storage::records {

/// How long what is only of passing use is kept; reap() forgets what is older.
struct Retention {
    std::chrono::seconds idempotency = std::chrono::hours{24};
    std::chrono::seconds events = std::chrono::days{7};      ///< ids of events that were taken in
    std::chrono::seconds attempts = std::chrono::days{30};   ///< of callbacks; and quarantined event bodies
    std::chrono::seconds callbacks = std::chrono::days{30};  ///< that were delivered, or not to be sent
    std::chrono::seconds dead_callbacks = std::chrono::days{90};  ///< after they were given up
    std::chrono::seconds tokens = std::chrono::days{2};  ///< what was used of a client token, after its end
    /// Rejected and failed uploads, with their files: then they are erased, as their app's DELETE would.
    std::chrono::seconds rejected = std::chrono::days{30};
    /// Uploads that expired, were cancelled or deleted: then their rows go too. What is published stays.
    std::chrono::seconds uploads = std::chrono::days{90};
    std::chrono::seconds packages =
        std::chrono::days{30};  ///< rows of those that are over, without their items
};

struct RecordsOptions {
    std::string database_url;  ///< libpq URI or key=value string; may hold a password
    std::size_t connections = 8;
    std::size_t group_limit = 256;  ///< rows that share a transaction at the most
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds statement_timeout{5'000};
    database::Pooler pooler = database::Pooler::none;
    std::size_t queue_limit =
        10'000;  ///< waiting rows; beyond it create() and observe() answer `overloaded` at once
    std::uint32_t max_attempts = 5;
    std::uint32_t max_decoder_crashes = 3;
    Retention retention;
    BreakerRule breaker;
};

}  // namespace photogate::storage::records

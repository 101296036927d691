// What the commands beside a running system need: the machine, and a database that is there.
//
// Thread safety: for the main thread.
#pragma once

#include <memory>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "gateway/config/config.hpp"
#include "gateway/local/private_postgres.hpp"
#include "storage/http/http_client.hpp"
#include "storage/objects/s3_client.hpp"

namespace photogate::gateway::system {

/// The machine, as a command uses it that does its work and ends.
struct CommandMachine {
    SystemClock clock;
    SystemRandom random;
    storage::http::HttpClient http{storage::http::ClientOptions{}};
    storage::objects::SystemPacer pacer;
    const storage::objects::S3Dependencies dependencies{http, clock, random, pacer};
};

/// A configuration whose database is there: the one it names, or one of our own that runs as long as this.
struct Provided {
    std::unique_ptr<local::PrivatePostgres> postgres;
    config::Config config;
};

/// Errors: as PrivatePostgres::start.
Result<Provided> provide(const config::Config& config, local::PrivatePostgres::Sharing sharing);

}  // namespace photogate::gateway::system

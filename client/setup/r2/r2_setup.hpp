// Cloudflare R2 made ready for a gateway: three buckets, two tokens for them, a queue of events and a token for that.
//
// Sources: Cloudflare's API reference (R2 buckets, account tokens, queues, event notifications) and "R2, Authentication": the access key
// of a token is its id, the secret key the SHA-256 of its value. docs/deploy/r2.md has the same by hand.
//
// Thread safety: one thread.
#pragma once

#include <memory>

#include "client/setup/r2/cloudflare_api.hpp"
#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::r2 {

enum class Jurisdiction { none, eu, fedramp };

/// By the host of R2's S3 API: `ACCOUNT.eu.r2.cloudflarestorage.com`.
Jurisdiction jurisdiction_of(const Endpoint& endpoint);

/// The token of `api` may edit R2's storage, queues and the account's tokens. Asks nothing yet.
std::unique_ptr<StoreSetup> open(Wanted wanted, CloudflareApi api);

}  // namespace photogate::client::setup::r2

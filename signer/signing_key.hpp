// The signing key of a day, region and service, and all text that depends on nothing else.
//
//   key = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, "20261120"), "eu-central-1"), "s3"), "aws4_request")
//
// Source: AWS "Signature Version 4: derive a signing key".
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/credentials.hpp"
#include "signer/digest.hpp"

namespace photogate::signer {

using Day = std::chrono::sys_days;

struct SigningKey {
    Day day;
    HmacKey key;
    std::string scope;         ///< `20261120/eu-central-1/s3/aws4_request`
    std::string credential;    ///< `AKIA…/` and the scope
    std::string query_prefix;  ///< `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=…&X-Amz-Date=`, encoded

    /// Lower-case hex, 64 characters.
    std::string sign(std::string_view string_to_sign) const { return hex_lower(key.sign(string_to_sign)); }
};

/// The credentials, region and service that a key is derived for.
struct SigningKeyOwner {
    const Credentials& credentials;
    const Region& region;
    std::string_view service;
};
SigningKey derive_signing_key(const SigningKeyOwner& owner, Day day);

/// The signing keys of one owner. Thread safe; lookup of a cached key takes no lock.
///
/// Keys are cached per day in a fixed number of slots. A replaced key is kept alive until the cache is
/// destroyed, because readers are lock-free and may still use it; in normal use that is one key in sixteen
/// days. After `kMost` keys, further days are derived per call and not cached.
class SigningKeyCache {
  public:
    SigningKeyCache(Credentials credentials, Region region, std::string service);
    SigningKeyCache(const SigningKeyCache&) = delete;
    SigningKeyCache& operator=(const SigningKeyCache&) = delete;

    /// Borrowed from the cache, or owned by the lease if the cache is full.
    class Lease {
      public:
        const SigningKey* operator->() const { return key_; }
        const SigningKey& operator*() const { return *key_; }

      private:
        friend class SigningKeyCache;
        const SigningKey* key_ = nullptr;
        std::unique_ptr<SigningKey> own_;
    };
    Lease at(Timestamp at) const;

    const Credentials& credentials() const { return credentials_; }
    const Region& region() const { return region_; }
    const std::string& service() const { return service_; }

  private:
    static constexpr std::size_t kSlots = 16;
    static constexpr std::size_t kMost = 256;

    Credentials credentials_;
    Region region_;
    std::string service_;
    mutable std::mutex making_;
    mutable std::vector<std::unique_ptr<const SigningKey>>
        made_;  // guarded by making_; outlives every pointer in slots_
    mutable std::array<std::atomic<const SigningKey*>, kSlots> slots_{};
};

}  // namespace photogate::signer

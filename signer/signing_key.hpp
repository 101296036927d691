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

/// Whose key, for what.
struct SigningKeyOwner {
    const Credentials& credentials;
    const Region& region;
    std::string_view service;
};
SigningKey derive_signing_key(const SigningKeyOwner& owner, Day day);

/// The signing keys of one owner. Thread safe; a key that is there is found without a lock.
///
/// Keys stand in a few slots by day. One that gives way to another day's is kept until the cache goes,
/// because a reader may still hold it; that is one in sixteen days of normal use, and a caller who asks for
/// ever new days gets keys that are made for him alone once `kMost` are kept.
class SigningKeyCache {
  public:
    SigningKeyCache(Credentials credentials, Region region, std::string service);
    SigningKeyCache(const SigningKeyCache&) = delete;
    SigningKeyCache& operator=(const SigningKeyCache&) = delete;

    /// Borrowed from the cache, or owned by the answer where the cache is full.
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

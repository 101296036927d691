#include "signer/signing_key.hpp"

#include <openssl/crypto.h>

#include "signer/amz_date.hpp"
#include "signer/canonical_request.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {
namespace {

/// Replaces `key` by HMAC(key, text) and wipes the old key.
void chain(Sha256& key, std::string_view text) {
    auto next = hmac_sha256(key, as_bytes(text));
    std::swap(key, next);
    OPENSSL_cleanse(next.data(), next.size());
}

}  // namespace

SigningKey derive_signing_key(const SigningKeyOwner& owner, Day day) {
    const AmzDate date{Timestamp{day}};
    std::string prefixed;
    prefixed.reserve(
        4 + owner.credentials.secret_access_key.reveal().size());  // one buffer, which Secret then wipes
    prefixed += "AWS4";
    prefixed += owner.credentials.secret_access_key.reveal();
    const Secret start{std::move(prefixed)};
    auto key = hmac_sha256(as_bytes(start.reveal()), as_bytes(date.day()));
    chain(key, owner.region.str());
    chain(key, owner.service);
    chain(key, "aws4_request");

    std::string scope{date.day()};
    for (std::string_view part :
         {std::string_view{owner.region.str()}, owner.service, std::string_view{"aws4_request"}}) {
        scope += '/';
        scope += part;
    }
    auto credential = owner.credentials.access_key_id + '/' + scope;
    std::string query_prefix = "X-Amz-Algorithm=";
    query_prefix += kAlgorithm;
    query_prefix += "&X-Amz-Credential=";
    append_encoded_component(query_prefix, credential);
    query_prefix += "&X-Amz-Date=";
    SigningKey made{day, HmacKey{key}, std::move(scope), std::move(credential), std::move(query_prefix)};
    OPENSSL_cleanse(key.data(), key.size());
    return made;
}

SigningKeyCache::SigningKeyCache(Credentials credentials, Region region, std::string service)
    : credentials_(std::move(credentials)), region_(std::move(region)), service_(std::move(service)) {}

SigningKeyCache::Lease SigningKeyCache::at(Timestamp at) const {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const auto number = static_cast<std::uint64_t>(day.time_since_epoch().count());
    auto& slot = slots_[number % kSlots];
    Lease lease;
    lease.key_ = slot.load(std::memory_order_acquire);
    if (lease.key_ != nullptr && lease.key_->day == day) return lease;

    const std::lock_guard lock{making_};
    lease.key_ = slot.load(std::memory_order_relaxed);
    if (lease.key_ != nullptr && lease.key_->day == day) return lease;
    auto made = std::make_unique<SigningKey>(derive_signing_key({credentials_, region_, service_}, day));
    lease.key_ = made.get();
    if (made_.size() >= kMost) {
        lease.own_ = std::move(made);
    } else {
        made_.push_back(std::move(made));
        slot.store(lease.key_, std::memory_order_release);
    }
    return lease;
}

}  // namespace photogate::signer

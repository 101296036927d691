// From what an app server asks to what a client may do: put one object, of this size and type, until then.
//
// The URL is good until it ends, not until it is used. What is put while the upload waits counts; where the profile
// says `write_once`, the store refuses a PUT over an object that is there; what is put after the upload has ended is
// removed as soon as the store reports it.
//
// plan_upload() checks a request against the app's profile and chooses the key; sign_grant() turns the stored
// upload into a presigned PUT or a form POST. Both are pure: time and chance are handed in, and signing the
// same upload again gives the same grant, byte for byte, which is how an idempotent replay answers as the
// first call did.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/parts.hpp"
#include "model/policy/profile.hpp"
#include "model/upload.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "pipeline/stores.hpp"

namespace photogate::pipeline {

/// What an app server may ask for, already of the right types; whether it may *have* it is plan_upload()'s
/// question.
struct GrantRequest {
    std::optional<std::string> profile;
    std::optional<std::string>
        method;  ///< `put`, `post` or `multipart`; nullopt: what the profile offers, PUT first
    std::optional<std::string> filename;
    std::optional<std::string> content_type;
    std::optional<ByteSize> size;
    /// Its client divides a file in parts itself, also where it does not say its size.
    bool divided_by_client = false;
    std::optional<std::string> sha256;  ///< base64 or hex
    model::TextMap metadata;
    std::vector<std::string> client_fields;
    std::optional<std::int64_t> expires_in;  ///< seconds
    std::optional<std::string> region;
    /// Whose file it will be, where somebody else asks for it: the region near it is chosen.
    std::optional<IpAddress> client_address;
    std::optional<std::string> near;  ///< the region near whoever sends the file; counts where none is named
    std::optional<std::string> callback_url;
    std::string request_id;
    /// What the upload's later stages are children of, and what goes with it; nullopt: no trace.
    std::optional<std::string> traceparent = {};
    std::optional<std::string> tracestate = {};
    /// Where a picture of these bytes is published already, answer that one.
    bool dedupe = false;
    /// The client token that asks, if one does: its end is the latest end of the grant.
    std::optional<Timestamp> token_expires_at;
};

/// A part that a client may send: a PUT of exactly so many bytes.
struct SignedPart {
    std::uint32_t number = 0;
    ByteSize size = 0;  ///< 0: any
    std::string url;
};

/// A part to be signed.
struct WantedPart {
    std::uint32_t number = 0;           ///< 1 to the upload's number of parts
    std::optional<std::string> sha256;  ///< lower-case hex; the store refuses other bytes
};

struct PartGrant {
    model::PartPlan plan;
    std::vector<SignedPart> first;  ///< as many as are signed at once; the rest is signed on demand
};

/// Where the upload can be sent through the gateway and continued after a cut.
struct ResumableGrant {
    std::string url;
    Timestamp expires_at;
};

struct Grant {
    std::string method;  ///< `PUT` or `POST`
    std::string url;     ///< empty of an upload that is sent in parts
    std::vector<signer::HeaderField>
        headers;  ///< to send as they are; Content-Length is signed too where the size is known
    std::vector<signer::HeaderField> fields;  ///< of the form, before the file
    /// Names of further fields that the client may add to the form, each as it must be sent:
    /// `x-amz-meta-caption`.
    std::vector<std::string> client_fields;
    Timestamp expires_at;
    std::string curl;  ///< a command that does it; empty of an upload that is sent in parts
    std::optional<PartGrant> parts;
    std::optional<ResumableGrant> resumable;  ///< absent where that is not offered
    /// The other regions that are up now, in the order in which they stand in for the upload's: a client that cannot
    /// reach this store asks for a new upload there.
    std::vector<std::string> fallbacks;
};

/// The upload to store, or every field that is wrong at once (Error::fields). Where nothing is wrong but no region is up
/// that it could go to: store_unavailable.
Result<model::Upload> plan_upload(const GrantRequest& request, const model::App& app, const Stores& stores,
                                  const notifier::callbacks::CallbackUrlPolicy& callbacks, Timestamp now,
                                  Random& random);

/// What is wrong with the metadata of an upload, with the pointers of a request (`/metadata/NAME`).
std::vector<FieldError> metadata_mistakes(const model::TextMap& metadata);

/// The grant for an upload, signed as of `at` until `upload.expires_at`; by the store's clock where that is
/// known to be another.
Result<Grant> sign_grant(const model::Upload& upload, const model::Profile& profile, const Store& store,
                         Timestamp at);

/// How long an upload that is sent through the gateway may take, at least: phones are offline for hours.
inline constexpr std::chrono::seconds kResumableLife{std::chrono::hours{24}};
/// `latest`: when its client's token ends.
Timestamp resumable_until(const model::Upload& upload, std::optional<Timestamp> latest);
/// URLs for parts of the store's multipart upload `store_id`, signed as of `at` until `upload.expires_at`. Each part's size
/// is signed, so that the store refuses another.
Result<std::vector<SignedPart>> sign_parts(const model::Upload& upload, const Store& store,
                                           const std::string& store_id, std::span<const WantedPart> parts,
                                           Timestamp at);

/// A label that is safe to show and to store: NFC is the client's business, control and direction characters
/// go, path parts go, at most 200 characters. nullopt where NUL or ill-formed text stands in it.
std::optional<std::string> clean_filename(std::string_view filename);

}  // namespace photogate::pipeline

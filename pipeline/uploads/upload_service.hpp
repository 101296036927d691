// The use cases of uploads, and who may do what: behind every interface.
//
// An interface reads a request, calls one function here and writes its result. All rules are here: what a client
// token's bearer may ask for and see, how long a grant may live, what a repeated request answers, what may be
// cancelled and what erased.
//
// An upload that the caller may not see does not exist for them (upload_not_found), whatever they ask.
//
// Errors, of every function: upload_not_found, and those of the records (database.hpp). Thread safety: any thread.
// plan() is pure and create() returns at once; the others wait for the database, complete() and what is about parts also
// for the store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/in_flight.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "notifier/callbacks/address_guard.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/intake.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/uploads/caller.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::uploads {

/// What has arrived of an upload that is sent in parts.
struct ListedParts {
    model::PartPlan plan;
    std::vector<storage::objects::UploadedPart> there;
};

struct SignedParts {
    std::vector<SignedPart> parts;
    Timestamp expires_at;
};

/// How many parts are signed when an upload is created, and in one call.
inline constexpr std::uint32_t kFirstParts = 20;
inline constexpr std::size_t kMostPartsSigned = 1'000;

/// Where a browser goes after a form: as the profile says, or nowhere, for a page that sends it itself.
enum class FormRedirect { as_profile_says, none };

struct CreateRequest {
    GrantRequest grant;
    /// Fields of the request that could not be read; absent from `grant`, and reported with what else is wrong.
    std::vector<FieldError> unreadable;
    std::optional<std::string> idempotency_key;
    std::string request_sha256;  ///< lower-case hex, of what was asked; used with an idempotency key alone
    FormRedirect redirect = FormRedirect::as_profile_says;
};

/// An upload with the URL or form that its client gets.
struct Granted {
    model::Upload upload;
    Grant grant;
};

/// A planned upload, signed but not stored yet.
struct PlannedUpload {
    Granted granted;
    std::optional<storage::records::IdempotencyKey> idempotency;
    std::optional<storage::records::TokenLimits> token;
    std::optional<std::string> unless_published;  ///< as storage::records::NewUpload has it
    bool asks_hook = false;                       ///< its profile's app is asked before it is stored
};

/// Neither is there: created, as planned.
struct Created {
    /// The idempotency key was used before: the first call's upload as it was created, whatever became of it since,
    /// signed as of its creation.
    std::optional<Granted> replayed;
    /// The published upload of the same bytes, in place of a new one.
    std::optional<model::Upload> duplicate;
};

/// How many uploads one call may create.
inline constexpr std::size_t kMostInBatch = 500;

/// A planned batch: for each item of the request its upload, or why it gets none.
struct PlannedBatch {
    std::vector<Result<PlannedUpload>> items;  ///< without idempotency keys of their own
    std::optional<std::string> idempotency_key;
    std::string request_sha256;  ///< lower-case hex, of what was asked; used with the key alone
};

class UploadService {
  public:
    struct Dependencies {
        storage::records::UploadStore& uploads;
        Intake& intake;
        const Parts& parts;
        const Catalog& catalog;
        const notifier::callbacks::CallbackUrlPolicy& callback_urls;
        const Clock& clock;
        Random& random;
        /// Where an upload can be sent through the gateway until then; without it none can.
        std::function<std::string(const model::Upload&, Timestamp until)> resumable_url = {};
        /// Whether the app may be granted one more, of that many declared bytes; without it every app may.
        std::function<Result<>(const model::App&, std::optional<ByteSize>)> admit = {};
        /// Asks the app's hook whether the upload may be granted; `done` is called once, on any thread, also before this
        /// returns. `repeated_as`: what a repeated request has in common with the first, or empty. Without it no hook is
        /// asked.
        std::function<void(const model::Upload&, const std::string& repeated_as,
                           std::function<void(Result<>)> done)>
            ask_hook = {};
    };

    /// All dependencies outlive this.
    explicit UploadService(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    /// Checks everything and signs: no database, no store, so an I/O thread may call it. Every wrong field is in one
    /// error. Errors: forbidden, unavailable, rate_limited, and the codes of fields.
    Result<PlannedUpload> plan(const Caller& caller, CreateRequest request) const;
    /// Asks the app's hook where there is one, and stores what was planned. `done` is called once, on the committer's
    /// thread or one that asks hooks: it must be quick. Errors: idempotency_key_reused, token_exhausted, overloaded;
    /// refused_by_hook, hook_unavailable.
    void create(PlannedUpload planned, std::function<void(Result<Created>)> done) const;
    /// Asks the hooks of those that have one, at once; those that are refused become errors. `done` is called once, on any
    /// thread, also before this returns. `items` lives until then. No thread of the caller's waits.
    void ask_hooks(std::vector<Result<PlannedUpload>>& items, std::function<void()> done) const;
    /// Stores what could be planned in one transaction, and waits for it; asks no hook. An outcome for each item, in their order;
    /// under an idempotency key that was used before, each as the first call created it. Errors: forbidden,
    /// idempotency_key_reused; then nothing is created.
    Result<std::vector<Result<Created>>> create_batch(const Caller& caller, PlannedBatch batch) const;

    Result<model::Upload> find(const Caller& caller, const UploadId& id) const;
    /// A fresh URL for the same object, `expires_in` seconds long, or the profile's default; a bearer's ends with its
    /// token. Errors: invalid_expiry, token_expired, state_conflict, unavailable.
    Result<Granted> sign_again(const Caller& caller, const UploadId& id,
                               std::optional<std::int64_t> expires_in) const;
    /// "It is up": the store is asked. What was sent in parts is joined first: those that `parts` names, or what has
    /// arrived. Errors: object_not_found, invalid_parts, the store_* codes; size_over_limit, which ends the upload.
    Result<model::Upload> complete(const Caller& caller, const UploadId& id,
                                   const std::optional<std::vector<NamedPart>>& parts = {}) const;

    // Uploads that are sent in parts. Errors besides: state_conflict, the store_* codes.
    /// With URLs for the first parts, signed as of `at`. Where the store cannot be asked the grant stays without.
    Granted with_first_parts(Granted granted, Timestamp at) const;
    /// URLs for these parts, good as sign_again() says. Errors: invalid_part_number, invalid_expiry, token_expired.
    Result<SignedParts> sign_parts(const Caller& caller, const UploadId& id,
                                   const std::vector<WantedPart>& parts,
                                   std::optional<std::int64_t> expires_in) const;
    Result<ListedParts> list_parts(const Caller& caller, const UploadId& id) const;
    /// Cancels what is not processed yet and erases what has ended; a token's bearer may not erase what is published.
    /// Errors: state_conflict, forbidden.
    Result<model::Upload> cancel_or_erase(const Caller& caller, const UploadId& id) const;
    /// Processes a rejected or failed upload again. Errors: state_conflict; forbidden to a token's bearer.
    Result<model::Upload> retry(const Caller& caller, const UploadId& id) const;
    Result<std::vector<storage::records::TimelineEntry>> timeline(const Caller& caller,
                                                                  const UploadId& id) const;

    /// The states that it came to behind a place; -1: all of them.
    Result<storage::records::UploadSteps> steps(const Caller& caller, const UploadId& id,
                                                std::int64_t place) const;

  private:
    void store(PlannedUpload planned, std::function<void(Result<Created>)> done) const;
    /// `latest`: when its client's token ends.
    Result<Granted> grant_of(model::Upload upload, Timestamp at, std::optional<Timestamp> latest,
                             FormRedirect redirect = FormRedirect::as_profile_says) const;
    /// Its parts are more than its profile permits.
    void end_too_large(const model::Upload& upload) const;
    /// The upload with its grant moved to the end that is asked for.
    Result<model::Upload> extended(const Caller& caller, const model::Upload& found,
                                   std::optional<std::int64_t> expires_in, Timestamp now) const;
    Result<Created> outcome_of(storage::records::Created stored, std::optional<Timestamp> token_ends) const;

    Dependencies dependencies_;
    InFlight creating_;  ///< last: completions of create() use this
};

}  // namespace photogate::pipeline::uploads

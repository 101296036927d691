// The use cases of uploads, and who may do what: behind every interface.
//
// An interface reads a request, calls one function here and writes its result. All rules are here: what a client
// token's bearer may ask for and see, how long a grant may live, what a repeated request answers, what may be
// cancelled and what erased.
//
// An upload that the caller may not see does not exist for them (upload_not_found), whatever they ask.
//
// Errors, of every function: upload_not_found, and those of the records (database.hpp). Thread safety: any thread.
// plan() is pure and create() returns at once; the others wait for the database, complete() also for the store.
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
#include "pipeline/uploads/caller.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::pipeline::uploads {

struct CreateRequest {
    GrantRequest grant;
    /// Fields of the request that could not be read; absent from `grant`, and reported with what else is wrong.
    std::vector<FieldError> unreadable;
    std::optional<std::string> idempotency_key;
    std::string request_sha256;  ///< lower-case hex, of what was asked; used with an idempotency key alone
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
};

struct Created {
    /// nullopt: created, as planned. Otherwise the idempotency key was used before: the first call's upload as it
    /// was created, whatever became of it since, signed as of its creation.
    std::optional<Granted> replayed;
};

class UploadService {
  public:
    struct Dependencies {
        storage::records::UploadStore& uploads;
        Intake& intake;
        const Catalog& catalog;
        const notifier::callbacks::CallbackUrlPolicy& callback_urls;
        const Clock& clock;
        Random& random;
    };

    /// All dependencies outlive this.
    explicit UploadService(Dependencies dependencies) : dependencies_(dependencies) {}

    /// Checks everything and signs: no database, no store, so an I/O thread may call it. Every wrong field is in one
    /// error. Errors: forbidden, unavailable, and the codes of fields.
    Result<PlannedUpload> plan(const Caller& caller, CreateRequest request) const;
    /// Stores what was planned. `done` is called once, on the committer's thread: it must be quick. Errors:
    /// idempotency_key_reused, token_exhausted, overloaded.
    void create(PlannedUpload planned, std::function<void(Result<Created>)> done) const;

    Result<model::Upload> find(const Caller& caller, const UploadId& id) const;
    /// A fresh URL for the same object, `expires_in` seconds long, or the profile's default; a bearer's ends with its
    /// token. Errors: invalid_expiry, token_expired, state_conflict, unavailable.
    Result<Granted> sign_again(const Caller& caller, const UploadId& id,
                               std::optional<std::int64_t> expires_in) const;
    /// "It is up": the store is asked. Errors: object_not_found, the store_* codes.
    Result<model::Upload> complete(const Caller& caller, const UploadId& id) const;
    /// Cancels what is not processed yet and erases what has ended; a token's bearer may not erase what is published.
    /// Errors: state_conflict, forbidden.
    Result<model::Upload> cancel_or_erase(const Caller& caller, const UploadId& id) const;
    /// Processes a rejected or failed upload again. Errors: state_conflict; forbidden to a token's bearer.
    Result<model::Upload> retry(const Caller& caller, const UploadId& id) const;
    Result<std::vector<storage::records::TimelineEntry>> timeline(const Caller& caller,
                                                                  const UploadId& id) const;

  private:
    Result<Granted> grant_of(model::Upload upload, Timestamp at) const;

    Dependencies dependencies_;
    InFlight creating_;  ///< last: completions of create() use this
};

}  // namespace photogate::pipeline::uploads

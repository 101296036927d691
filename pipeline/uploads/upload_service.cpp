#include "pipeline/uploads/upload_service.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "base/field_errors.hpp"
#include "base/log.hpp"
#include "pipeline/uploads/field_mistakes.hpp"
#include "pipeline/uploads/token_scope.hpp"

namespace photogate::pipeline::uploads {
namespace {

namespace records = storage::records;
using model::Upload;

tl::unexpected<Error> no_such_upload() {
    return fail(ErrorCode::upload_not_found, "there is no such upload");
}

/// It was good when the request's head arrived.
tl::unexpected<Error> token_is_over() {
    return fail(ErrorCode::token_expired, "the client token has expired");
}

/// A repeated request is answered as the first one was, whatever became of the upload since.
Upload as_created(Upload upload) {
    upload.state = model::UploadState::created;
    upload.received_at.reset();
    upload.pinned.reset();
    upload.client_metadata.clear();
    upload.facts.reset();
    upload.image.reset();
    upload.rejection.reset();
    upload.finished_at.reset();
    return upload;
}

std::optional<Timestamp> ends_of(const Caller& caller) {
    return caller.token ? std::optional{caller.token->expires_at} : std::nullopt;
}

/// A bearer's keys are its token's own: no caller gets another's upload.
std::optional<records::IdempotencyKey> idempotency_of(const Caller& caller, std::optional<std::string> key,
                                                      std::string request_sha256) {
    if (!key) return std::nullopt;
    if (caller.token) key = caller.token->id + "/" + *key;
    return records::IdempotencyKey{std::move(*key), std::move(request_sha256)};
}

std::optional<std::string> digest_in_hex(const std::optional<std::string>& in_base64) {
    const auto digest = in_base64 ? from_base64(*in_base64) : std::nullopt;
    return digest ? std::make_optional(hex_lower(*digest)) : std::nullopt;
}

bool asks_hook(const model::App& app, const Upload& upload) {
    const auto profile = app.profiles.find(upload.profile);
    return profile != app.profiles.end() && profile->second.hooks.before_grant.has_value();
}

/// Under one key there is one request: its repetition asks the same question.
std::string repeated_as(const PlannedUpload& planned) {
    return planned.idempotency ? planned.idempotency->key + "\n" + planned.idempotency->request_sha256
                               : std::string{};
}

records::NewUpload new_upload(PlannedUpload planned) {
    return {std::move(planned.granted.upload), std::move(planned.idempotency), planned.token,
            std::move(planned.unless_published)};
}

}  // namespace

Result<Granted> UploadService::grant_of(Upload upload, Timestamp at, std::optional<Timestamp> latest,
                                        FormRedirect redirect) const {
    const auto policy = dependencies_.catalog.policy_of(upload);
    if (!policy) return fail(policy.error());
    const model::Profile* profile = policy->profile.get();
    std::optional<model::Profile> without_redirect;
    if (redirect == FormRedirect::none && profile->form_redirect) {
        without_redirect = *profile;
        without_redirect->form_redirect.reset();
        profile = &*without_redirect;
    }
    auto grant = sign_grant(upload, *profile, *policy->store, at);
    if (!grant) return fail(std::move(grant.error()));
    // What is sent in parts is resumed part by part.
    if (dependencies_.resumable_url && upload.method != model::GrantMethod::multipart) {
        const auto until = resumable_until(upload, latest);
        grant->resumable = ResumableGrant{dependencies_.resumable_url(upload, until), until};
    }
    for (const auto* store : dependencies_.catalog.stores().fallbacks_of(upload.region)) {
        if (store->health->is_up()) grant->fallbacks.push_back(store->region.name);
    }
    return Granted{std::move(upload), std::move(*grant)};
}

Result<PlannedUpload> UploadService::plan(const Caller& caller, CreateRequest request) const {
    if (!caller.app) return fail(ErrorCode::forbidden, "uploads are made with an app's key");
    const auto app = dependencies_.catalog.app(*caller.app);
    if (!app) return fail(app.error());
    auto mistakes = std::move(request.unreadable);
    if (caller.token && caller.token->expires_at <= dependencies_.clock.now()) return token_is_over();
    if (caller.token) {
        auto overreach = hold_to_token(*caller.token, request.grant);
        std::move(overreach.begin(), overreach.end(), std::back_inserter(mistakes));
    }
    auto upload = plan_upload(request.grant, **app, dependencies_.catalog.stores(),
                              dependencies_.callback_urls, dependencies_.clock.now(), dependencies_.random);
    if (!upload || !mistakes.empty())
        return tl::unexpected(all_mistakes(std::move(mistakes), upload ? nullptr : &upload.error()));
    if (dependencies_.admit) {
        if (auto admitted = dependencies_.admit(**app, upload->declared_size); !admitted)
            return fail(std::move(admitted.error()));
    }
    if (caller.token) upload->client_token = caller.token->id;
    const auto at = upload->created_at;
    auto granted = grant_of(std::move(*upload), at, ends_of(caller), request.redirect);
    if (!granted) return fail(std::move(granted.error()));
    PlannedUpload planned{
        std::move(*granted),
        idempotency_of(caller, std::move(request.idempotency_key), std::move(request.request_sha256)),
        {},
        {}};
    if (request.grant.dedupe)
        planned.unless_published = digest_in_hex(planned.granted.upload.declared_sha256);
    planned.asks_hook = dependencies_.ask_hook && asks_hook(**app, planned.granted.upload);
    if (caller.token)
        planned.token = {caller.token->max_uploads, caller.token->max_bytes, caller.token->expires_at};
    return planned;
}

void UploadService::create(PlannedUpload planned, std::function<void(Result<Created>)> done) const {
    if (!planned.asks_hook) return store(std::move(planned), std::move(done));
    struct Waiting {
        PlannedUpload planned;
        std::function<void(Result<Created>)> done;
        InFlight::Ticket ticket;
    };
    auto waiting = std::make_shared<Waiting>(Waiting{std::move(planned), std::move(done), creating_.enter()});
    dependencies_.ask_hook(waiting->planned.granted.upload, repeated_as(waiting->planned),
                           [this, waiting](Result<> allowed) {
                               if (!allowed) return waiting->done(fail(std::move(allowed.error())));
                               failpoint::pass(failpoint::Point::after_grant_verdict);
                               store(std::move(waiting->planned), std::move(waiting->done));
                           });
}

void UploadService::ask_hooks(std::vector<Result<PlannedUpload>>& items, std::function<void()> done) const {
    struct Waiting {
        explicit Waiting(InFlight::Ticket entered) : ticket(std::move(entered)) {}
        InFlight::Ticket ticket;
        std::function<void()> done;
        std::atomic<std::size_t> open{1};  ///< one more than are asked: nothing is done before all have been
    };
    auto waiting = std::make_shared<Waiting>(creating_.enter());
    waiting->done = std::move(done);
    const auto answered = [waiting] {
        if (waiting->open.fetch_sub(1) == 1) waiting->done();
    };
    for (auto& item : items) {
        if (!item || !item->asks_hook) continue;
        waiting->open.fetch_add(1);
        dependencies_.ask_hook(item->granted.upload, repeated_as(*item), [&item, answered](Result<> allowed) {
            if (!allowed) item = tl::unexpected(std::move(allowed.error()));
            answered();
        });
    }
    answered();
}

void UploadService::store(PlannedUpload planned, std::function<void(Result<Created>)> done) const {
    const auto token_ends = planned.token ? std::optional{planned.token->expires_at} : std::nullopt;
    dependencies_.uploads.create(
        new_upload(std::move(planned)),
        [this, done = std::move(done), token_ends,
         ticket = std::make_shared<InFlight::Ticket>(creating_.enter())](Result<records::Created> outcome) {
            if (!outcome) return done(fail(std::move(outcome.error())));
            done(outcome_of(std::move(*outcome), token_ends));
        });
}

Result<Created> UploadService::outcome_of(records::Created stored,
                                          std::optional<Timestamp> token_ends) const {
    switch (stored.how) {
        case records::Created::How::created:
            return Created{};
        case records::Created::How::deduplicated:
            return Created{std::nullopt, std::move(stored.upload)};
        case records::Created::How::replayed:
            break;
    }
    auto first = as_created(std::move(stored.upload));
    const auto at = first.created_at;
    // Its app may have signed it again, for longer than the token lives.
    if (token_ends) first.expires_at = std::min(first.expires_at, *token_ends);
    auto replayed = grant_of(std::move(first), at, token_ends);
    if (!replayed) return fail(std::move(replayed.error()));
    return Created{std::move(*replayed), std::nullopt};
}

Result<std::vector<Result<Created>>> UploadService::create_batch(const Caller& caller,
                                                                 PlannedBatch batch) const {
    if (!caller.app) return fail(ErrorCode::forbidden, "uploads are made with an app's key");
    records::NewBatch planned{
        *caller.app,
        {},
        {},
        idempotency_of(caller, std::move(batch.idempotency_key), std::move(batch.request_sha256))};
    std::vector<Result<Created>> outcomes;
    outcomes.reserve(batch.items.size());
    for (std::size_t place = 0; place < batch.items.size(); ++place) {
        auto& item = batch.items[place];
        if (!item) {
            outcomes.emplace_back(fail(std::move(item.error())));
            continue;
        }
        outcomes.emplace_back(Created{});
        planned.uploads.push_back(new_upload(std::move(*item)));
        planned.places.push_back(place);
    }
    if (planned.uploads.empty()) return outcomes;
    auto stored = dependencies_.uploads.create_batch(planned);
    if (!stored) return fail(std::move(stored.error()));
    const auto token_ends = caller.token ? std::optional{caller.token->expires_at} : std::nullopt;
    for (std::size_t i = 0; i < stored->size(); ++i) {
        auto& outcome = (*stored)[i];
        outcomes[planned.places[i]] = outcome ? outcome_of(std::move(*outcome), token_ends)
                                              : Result<Created>{tl::unexpected(std::move(outcome.error()))};
    }
    return outcomes;
}

Result<Upload> UploadService::find(const Caller& caller, const UploadId& id) const {
    auto upload = dependencies_.uploads.find(caller.app, id);
    if (upload && !caller.may_see(*upload)) return no_such_upload();
    return upload;
}

Result<Upload> UploadService::extended(const Caller& caller, const Upload& found,
                                       std::optional<std::int64_t> expires_in, Timestamp now) const {
    const auto policy = dependencies_.catalog.policy_of(found);
    if (!policy) return fail(policy.error());
    const auto longest = policy->profile->longest_expiry;
    if (expires_in && (*expires_in < 1 || *expires_in > longest.count())) {
        return fail(ErrorCode::invalid_expiry,
                    fmt::format("'expires_in' is longer than the profile permits: at most {} seconds",
                                longest.count()));
    }
    const auto life = expires_in ? std::chrono::seconds{*expires_in} : policy->profile->default_expiry;
    Timestamp end = std::chrono::floor<std::chrono::seconds>(now) + life;
    if (caller.token) end = std::min(end, caller.token->expires_at);
    if (end <= now) return token_is_over();
    auto upload = dependencies_.uploads.extend_grant(found.app, found.id, end);
    if (!upload) return upload;
    // The row ends with the longest of the upload's URLs; this one ends as it was asked for.
    upload->expires_at = end;
    return upload;
}

Result<Granted> UploadService::sign_again(const Caller& caller, const UploadId& id,
                                          std::optional<std::int64_t> expires_in) const {
    const auto found = find(caller, id);
    if (!found) return fail(found.error());
    const auto now = dependencies_.clock.now();
    auto upload = extended(caller, *found, expires_in, now);
    if (!upload) return fail(std::move(upload.error()));
    return grant_of(std::move(*upload), now, ends_of(caller));
}

Result<Upload> UploadService::complete(const Caller& caller, const UploadId& id,
                                       const std::optional<std::vector<NamedPart>>& parts) const {
    const auto seen = find(caller, id);
    if (!seen) return seen;
    const bool waits =
        seen->state == model::UploadState::created || seen->state == model::UploadState::expired;
    if (seen->method != model::GrantMethod::multipart || !waits)
        return dependencies_.intake.complete(caller.app, id);
    const auto policy = dependencies_.catalog.policy_of(*seen);
    if (!policy) return fail(policy.error());
    const auto existing = policy->profile->write_once == model::Profile::WriteOnce::on
                              ? Parts::Existing::refuse
                              : Parts::Existing::replace;
    const auto joined = dependencies_.parts.join(*seen, parts, existing, policy->profile->limits.max_bytes);
    if (!joined && joined.error().code == ErrorCode::size_over_limit) end_too_large(*seen);
    if (!joined) return fail(joined.error());
    auto upload = dependencies_.intake.complete(caller.app, id);
    if (upload || upload.error().code != ErrorCode::object_not_found || *joined == Parts::Joined::now)
        return upload;
    if (*joined == Parts::Joined::never)
        return fail(ErrorCode::invalid_parts, "none of the parts has arrived");
    if (auto forgotten = dependencies_.parts.forget(*seen); !forgotten)
        return fail(std::move(forgotten.error()));
    return fail(ErrorCode::object_not_found,
                "the store has given the parts up: sign all of them again, and send them");
}

void UploadService::end_too_large(const Upload& upload) const {
    // What fails here the collector does later.
    auto done = dependencies_.parts.abort(upload);
    if (done) {
        const auto ended =
            dependencies_.uploads.cancel_or_delete(upload.app, upload.id, records::Published::keep);
        if (!ended) done = fail(ended.error());
    }
    if (!done)
        log::warn("parts.not_aborted", {{"upload", upload.id.str()},
                                        {"code", to_string(done.error().code)},
                                        {"detail", done.error().detail}});
}

Granted UploadService::with_first_parts(Granted granted, Timestamp at) const {
    const auto& upload = granted.upload;
    const Store* store = dependencies_.catalog.stores().of(upload.region);
    if (!granted.grant.parts || !store) return granted;
    const auto failed = [&](const Error& error) {
        log::warn("parts.not_signed",
                  {{"upload", upload.id.str()}, {"code", to_string(error.code)}, {"detail", error.detail}});
        return std::move(granted);
    };
    const auto id = dependencies_.parts.begin(upload);
    if (!id) return failed(id.error());
    std::vector<WantedPart> wanted;
    for (std::uint32_t number = 1; number <= std::min(kFirstParts, granted.grant.parts->plan.count());
         ++number)
        wanted.push_back({number, {}});
    auto parts = pipeline::sign_parts(upload, *store, *id, wanted, at);
    if (!parts) return failed(parts.error());
    granted.grant.parts->first = std::move(*parts);
    return granted;
}

namespace {

tl::unexpected<Error> not_in_parts() {
    return fail(ErrorCode::state_conflict, "this upload is not sent in parts: its method is not 'multipart'");
}

Result<> check_numbers(std::uint32_t count, const std::vector<WantedPart>& parts) {
    std::vector<FieldError> mistakes;
    std::set<std::uint32_t> seen;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto number = parts[i].number;
        if (number >= 1 && number <= count && seen.insert(number).second) continue;
        mistakes.push_back({fmt::format("/numbers/{}", i), ErrorCode::invalid_part_number,
                            fmt::format("the numbers of this upload's parts are 1 to {}, each once", count)});
    }
    if (mistakes.empty()) return {};
    return tl::unexpected(field_errors(std::move(mistakes)));
}

}  // namespace

Result<SignedParts> UploadService::sign_parts(const Caller& caller, const UploadId& id,
                                              const std::vector<WantedPart>& parts,
                                              std::optional<std::int64_t> expires_in) const {
    const auto found = find(caller, id);
    if (!found) return fail(found.error());
    if (found->method != model::GrantMethod::multipart) return not_in_parts();
    const auto policy = dependencies_.catalog.policy_of(*found);
    if (!policy) return fail(policy.error());
    const auto plan = parts_of(*found);
    const auto count =
        plan.is_open() ? model::most_parts_of(policy->profile->limits.max_bytes) : plan.count();
    if (auto sane = check_numbers(count, parts); !sane) return fail(std::move(sane.error()));
    const auto now = dependencies_.clock.now();
    const auto upload = extended(caller, *found, expires_in, now);
    if (!upload) return fail(upload.error());
    const auto store_id = dependencies_.parts.begin(*upload);
    if (!store_id) return fail(store_id.error());
    auto made = pipeline::sign_parts(*upload, *policy->store, *store_id, parts, now);
    if (!made) return fail(std::move(made.error()));
    return SignedParts{std::move(*made), upload->expires_at};
}

Result<ListedParts> UploadService::list_parts(const Caller& caller, const UploadId& id) const {
    const auto found = find(caller, id);
    if (!found) return fail(found.error());
    if (found->method != model::GrantMethod::multipart) return not_in_parts();
    auto there = dependencies_.parts.list(*found);
    if (!there) return fail(std::move(there.error()));
    return ListedParts{parts_of(*found), std::move(*there)};
}

Result<Upload> UploadService::cancel_or_erase(const Caller& caller, const UploadId& id) const {
    if (!caller.token)
        return dependencies_.uploads.cancel_or_delete(caller.app, id, records::Published::erase);
    if (const auto seen = find(caller, id); !seen) return seen;
    return dependencies_.uploads.cancel_or_delete(caller.app, id, records::Published::keep);
}

Result<Upload> UploadService::retry(const Caller& caller, const UploadId& id) const {
    if (caller.token) return fail(ErrorCode::forbidden, "processing it again needs its app's key");
    return dependencies_.uploads.retry(caller.app, id);
}

Result<std::vector<records::TimelineEntry>> UploadService::timeline(const Caller& caller,
                                                                    const UploadId& id) const {
    if (caller.token) {
        if (const auto seen = find(caller, id); !seen) return fail(seen.error());
    }
    return dependencies_.uploads.timeline(caller.app, id);
}

Result<records::UploadSteps> UploadService::steps(const Caller& caller, const UploadId& id,
                                                  std::int64_t place) const {
    auto found = dependencies_.uploads.steps(caller.app, id, place);
    if (found && !caller.may_see(found->upload)) return no_such_upload();
    return found;
}

}  // namespace photogate::pipeline::uploads

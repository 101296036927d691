#include "pipeline/uploads/upload_service.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/format.h>

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

/// A bearer's keys are its token's own: no caller gets another's upload.
std::optional<records::IdempotencyKey> idempotency_of(const Caller& caller, CreateRequest& request) {
    if (!request.idempotency_key) return std::nullopt;
    auto key = std::move(*request.idempotency_key);
    if (caller.token) key = caller.token->id + "/" + key;
    return records::IdempotencyKey{std::move(key), std::move(request.request_sha256)};
}

}  // namespace

Result<Granted> UploadService::grant_of(Upload upload, Timestamp at) const {
    const auto policy = dependencies_.catalog.policy_of(upload);
    if (!policy) return fail(policy.error());
    auto grant = sign_grant(upload, *policy->profile, *policy->store, at);
    if (!grant) return fail(std::move(grant.error()));
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
    if (caller.token) upload->client_token = caller.token->id;
    const auto at = upload->created_at;
    auto granted = grant_of(std::move(*upload), at);
    if (!granted) return fail(std::move(granted.error()));
    PlannedUpload planned{std::move(*granted), idempotency_of(caller, request), std::nullopt};
    if (caller.token)
        planned.token = {caller.token->max_uploads, caller.token->max_bytes, caller.token->expires_at};
    return planned;
}

void UploadService::create(PlannedUpload planned, std::function<void(Result<Created>)> done) const {
    const auto token_ends = planned.token ? std::optional{planned.token->expires_at} : std::nullopt;
    records::NewUpload item{std::move(planned.granted.upload), std::move(planned.idempotency), planned.token};
    dependencies_.uploads.create(
        std::move(item),
        [this, done = std::move(done), token_ends,
         ticket = std::make_shared<InFlight::Ticket>(creating_.enter())](Result<records::Created> outcome) {
            if (!outcome) return done(fail(std::move(outcome.error())));
            if (outcome->how == records::Created::How::created) return done(Created{});
            auto first = as_created(std::move(outcome->upload));
            const auto at = first.created_at;
            // Its app may have signed it again, for longer than the token lives.
            if (token_ends) first.expires_at = std::min(first.expires_at, *token_ends);
            auto replayed = grant_of(std::move(first), at);
            if (!replayed) return done(fail(std::move(replayed.error())));
            done(Created{std::move(*replayed)});
        });
}

Result<Upload> UploadService::find(const Caller& caller, const UploadId& id) const {
    auto upload = dependencies_.uploads.find(caller.app, id);
    if (upload && !caller.may_see(*upload)) return no_such_upload();
    return upload;
}

Result<Granted> UploadService::sign_again(const Caller& caller, const UploadId& id,
                                          std::optional<std::int64_t> expires_in) const {
    const auto found = find(caller, id);
    if (!found) return fail(found.error());
    const auto policy = dependencies_.catalog.policy_of(*found);
    if (!policy) return fail(policy.error());
    const auto longest = policy->profile->longest_expiry;
    if (expires_in && (*expires_in < 1 || *expires_in > longest.count())) {
        return fail(ErrorCode::invalid_expiry,
                    fmt::format("'expires_in' is longer than the profile permits: at most {} seconds",
                                longest.count()));
    }
    const auto now = dependencies_.clock.now();
    const auto life = expires_in ? std::chrono::seconds{*expires_in} : policy->profile->default_expiry;
    Timestamp end = std::chrono::floor<std::chrono::seconds>(now) + life;
    if (caller.token) end = std::min(end, caller.token->expires_at);
    if (end <= now) return token_is_over();
    auto upload = dependencies_.uploads.extend_grant(found->app, id, end);
    if (!upload) return fail(upload.error());
    // The row ends with the longest of the upload's URLs; this one ends as it was asked for.
    upload->expires_at = end;
    return grant_of(std::move(*upload), now);
}

Result<Upload> UploadService::complete(const Caller& caller, const UploadId& id) const {
    if (const auto seen = find(caller, id); !seen) return seen;
    return dependencies_.intake.complete(caller.app, id);
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

}  // namespace photogate::pipeline::uploads

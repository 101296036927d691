#include "pipeline/resumable/resumable_uploads.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/failpoint.hpp"
#include "model/object_layout.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::pipeline::resumable {
namespace {

using model::Upload;
using model::UploadState;
using storage::chunks::Append;
using storage::chunks::Chunk;
using storage::chunks::ResumableState;
using storage::chunks::Take;

/// Once nobody may come any more, the upload may still be about to expire.
constexpr std::chrono::seconds kAfterTheEnd{60};

tl::unexpected<Error> no_such_upload() {
    return fail(ErrorCode::upload_not_found, "there is no such upload, or it has ended");
}

bool has_object(UploadState state) {
    switch (state) {
        case UploadState::uploaded:
        case UploadState::processing:
        case UploadState::published:
        case UploadState::rejected:
        case UploadState::failed:
            return true;
        case UploadState::created:
        case UploadState::expired:
        case UploadState::cancelled:
        case UploadState::deleted:
            return false;
    }
    return false;
}

/// Of an upload that has its object, by whichever way that came.
Progress whole(const Upload& upload) {
    Progress progress;
    progress.offset =
        upload.pinned && upload.pinned->size ? *upload.pinned->size : upload.declared_size.value_or(0);
    progress.length = progress.offset;
    progress.complete = true;
    progress.expires_at = upload.expires_at;
    return progress;
}

tl::unexpected<Error> another_checksum() {
    return fail(ErrorCode::invalid_checksum,
                "the upload was declared with another SHA-256 than this request says");
}

tl::unexpected<Error> too_large(ByteSize size, ByteSize most) {
    return fail(ErrorCode::size_over_limit,
                fmt::format("the file has {} bytes, the limit is {}", size, most));
}

}  // namespace

Result<Upload> ResumableUploads::find(const Visitor& visitor) const {
    const auto app = visitor.token ? std::optional{visitor.token->app} : std::nullopt;
    auto upload = dependencies_.uploads.find(app, visitor.upload);
    // Of another app, of another token, or none at all: in the same words.
    if (!upload && upload.error().code == ErrorCode::upload_not_found) return no_such_upload();
    if (!upload) return upload;
    if (visitor.token && upload->client_token != visitor.token->id) return no_such_upload();
    return upload;
}

Result<Upload> ResumableUploads::revived(const Upload& upload, Timestamp until) const {
    if (upload.state == UploadState::created && upload.expires_at >= until) return upload;
    return dependencies_.uploads.extend_grant(upload.app, upload.id, until);
}

Result<Hold> ResumableUploads::take(const Visitor& visitor, const Wishes& wishes) const {
    auto found = find(visitor);
    if (!found) return fail(std::move(found.error()));
    if (has_object(found->state)) return Hold{*found, nullptr, 0, whole(*found)};
    const bool waits = found->state == UploadState::created || found->state == UploadState::expired;
    if (!waits || visitor.until <= dependencies_.clock.now()) return no_such_upload();
    if (found->method == model::GrantMethod::multipart)
        return fail(ErrorCode::state_conflict, "this upload is sent in parts: its method is 'multipart'");
    const auto policy = dependencies_.catalog.policy_of(*found);
    if (!policy) return fail(policy.error());
    const ByteSize most = found->declared_size.value_or(policy->profile->limits.max_bytes);
    // Before anything is begun anew: what has come is kept for whoever says what fits.
    const auto announced = std::max(wishes.length.value_or(0), wishes.content);
    if (announced > most) return too_large(announced, most);
    if (wishes.anew && wishes.length && found->declared_size && *wishes.length != *found->declared_size)
        return fail(ErrorCode::invalid_size, fmt::format("the upload has {} bytes, this would make {}",
                                                         *found->declared_size, *wishes.length));
    if (wishes.whole_sha256 && found->declared_sha256) {
        const auto digest = from_hex(*wishes.whole_sha256);
        if (!digest || base64(*digest) != *found->declared_sha256) return another_checksum();
    }
    auto upload = revived(*found, visitor.until);
    if (!upload) {
        // Its object may have come between the two looks.
        if (upload.error().code != ErrorCode::state_conflict) return fail(std::move(upload.error()));
        found = find(visitor);
        if (!found) return fail(std::move(found.error()));
        if (has_object(found->state)) return Hold{*found, nullptr, 0, whole(*found)};
        return no_such_upload();
    }
    const auto taken = dependencies_.chunks.take(
        {upload->id, upload->declared_size ? upload->declared_size : wishes.length, wishes.metadata,
         Timestamp{std::max(upload->expires_at, visitor.until) + kAfterTheEnd},
         wishes.anew ? Take::From::anew : Take::From::where_it_stands, wishes.whole_sha256, wishes.holder});
    if (!taken) return fail(taken.error());
    if (wishes.whole_sha256 && taken->whole_sha256 != wishes.whole_sha256) return another_checksum();
    if (wishes.beginning && *wishes.beginning != taken->beginning) return no_such_upload();
    // One that was over has begun anew, unless its object came between the two looks.
    if (taken->received == 0 && taken->epoch > 1) {
        found = find(visitor);
        if (!found) return fail(std::move(found.error()));
        if (has_object(found->state)) return Hold{*found, nullptr, 0, whole(*found)};
    }
    Hold hold{std::move(*upload), policy->store, taken->epoch, {}};
    hold.progress = {taken->received,
                     taken->length,
                     taken->state == ResumableState::received,
                     hold.upload.expires_at,
                     taken->metadata,
                     taken->beginning,
                     taken->length.value_or(most)};
    return hold;
}

Result<Chunk> ResumableUploads::put(const Hold& hold, std::uint64_t first, std::string_view bytes) const {
    Chunk chunk;
    chunk.first = first;
    chunk.size = bytes.size();
    chunk.epoch = hold.epoch;
    chunk.sha256 = hex_lower(signer::sha256(bytes));
    storage::objects::PutOptions options;
    options.sha256 = chunk.sha256;
    const auto key = model::chunk_key(hold.upload.id, hold.progress.beginning, first, hold.epoch);
    const auto put = hold.store->objects->put(hold.upload.bucket, key,
                                              storage::http::MemorySource{as_bytes(bytes)}, options);
    if (!put) return fail(put.error());
    if (auto reached = failpoint::reach(failpoint::Point::after_chunk_put); !reached)
        return fail(std::move(reached.error()));
    chunk.etag = put->etag;
    return chunk;
}

Result<> ResumableUploads::discard(const Hold& hold, const std::vector<Chunk>& chunks) const {
    std::vector<ObjectKey> keys;
    for (const auto& chunk : chunks)
        keys.push_back(model::chunk_key(hold.upload.id, hold.progress.beginning, chunk.first, chunk.epoch));
    const auto failed = hold.store->objects->remove_many(hold.upload.bucket, keys);
    if (!failed) return fail(failed.error());
    if (!failed->empty()) return fail(failed->front().error);
    return {};
}

Result<bool> ResumableUploads::commit(Hold& hold, std::vector<Chunk> chunks, End end) const {
    ByteSize offset = hold.progress.offset;
    for (const auto& chunk : chunks)
        offset += chunk.size;
    const bool ends = end == End::yes;
    const auto appended = dependencies_.chunks.append({hold.upload.id, hold.progress.beginning, hold.epoch,
                                                       hold.progress.offset, std::move(chunks),
                                                       ends ? std::optional{offset} : std::nullopt});
    if (!appended || !*appended) return appended;
    failpoint::pass(ends ? failpoint::Point::after_received : failpoint::Point::after_chunk_commit);
    hold.progress.offset = offset;
    if (ends) {
        hold.progress.length = offset;
        hold.progress.complete = true;
    }
    return true;
}

Result<> ResumableUploads::cancel(const Visitor& visitor) const {
    const auto found = find(visitor);
    if (!found) return fail(found.error());
    if (has_object(found->state))
        return fail(ErrorCode::state_conflict, "the upload has its file already; its app can delete it");
    if (found->state != UploadState::created) return no_such_upload();
    const auto ended =
        dependencies_.uploads.cancel_or_delete(found->app, found->id, storage::records::Published::keep);
    if (!ended) return fail(ended.error());
    return {};  // the collector removes what has arrived
}

}  // namespace photogate::pipeline::resumable

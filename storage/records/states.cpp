// The words for states and kinds, as they stand in the database, in JSON and in logs.
#include <array>

#include "storage/records/callback.hpp"
#include "storage/records/records.hpp"
#include "storage/records/upload.hpp"

namespace photogate::storage::records {

std::string_view to_string(UploadState state) {
    switch (state) {
        case UploadState::created:
            return "created";
        case UploadState::uploaded:
            return "uploaded";
        case UploadState::processing:
            return "processing";
        case UploadState::published:
            return "published";
        case UploadState::rejected:
            return "rejected";
        case UploadState::failed:
            return "failed";
        case UploadState::expired:
            return "expired";
        case UploadState::cancelled:
            return "cancelled";
        case UploadState::deleted:
            return "deleted";
    }
    return "";
}

std::optional<UploadState> parse_upload_state(std::string_view word) {
    using enum UploadState;
    for (const auto state :
         {created, uploaded, processing, published, rejected, failed, expired, cancelled, deleted}) {
        if (to_string(state) == word) return state;
    }
    return std::nullopt;
}

bool is_final(UploadState state) {
    switch (state) {
        case UploadState::created:
        case UploadState::uploaded:
        case UploadState::processing:
            return false;
        case UploadState::published:
        case UploadState::rejected:
        case UploadState::failed:
        case UploadState::expired:
        case UploadState::cancelled:
        case UploadState::deleted:
            return true;
    }
    return true;
}

std::string_view to_string(GrantMethod method) {
    switch (method) {
        case GrantMethod::put:
            return "put";
        case GrantMethod::post:
            return "post";
    }
    return "";
}

std::string_view to_string(CallbackType type) {
    switch (type) {
        case CallbackType::upload_received:
            return "upload.received";
        case CallbackType::upload_published:
            return "upload.published";
        case CallbackType::upload_rejected:
            return "upload.rejected";
        case CallbackType::upload_failed:
            return "upload.failed";
        case CallbackType::upload_expired:
            return "upload.expired";
        case CallbackType::upload_deleted:
            return "upload.deleted";
    }
    return "";
}

std::string_view to_string(CallbackState state) {
    switch (state) {
        case CallbackState::waiting:
            return "waiting";
        case CallbackState::delivered:
            return "delivered";
        case CallbackState::dead:
            return "dead";
        case CallbackState::unsent:
            return "unsent";
    }
    return "";
}

std::string_view to_string(CallbackEndpoint::State state) {
    switch (state) {
        case CallbackEndpoint::State::failing:
            return "failing";
        case CallbackEndpoint::State::open:
            return "open";
        case CallbackEndpoint::State::half_open:
            return "half_open";
        case CallbackEndpoint::State::recovering:
            return "recovering";
        case CallbackEndpoint::State::paused:
            return "paused";
    }
    return "";
}

std::optional<CallbackType> parse_callback_type(std::string_view word) {
    for (const auto type :
         {CallbackType::upload_received, CallbackType::upload_published, CallbackType::upload_rejected,
          CallbackType::upload_failed, CallbackType::upload_expired, CallbackType::upload_deleted}) {
        if (to_string(type) == word) return type;
    }
    return std::nullopt;
}

std::optional<CallbackState> parse_callback_state(std::string_view word) {
    for (const auto state :
         {CallbackState::waiting, CallbackState::delivered, CallbackState::dead, CallbackState::unsent}) {
        if (to_string(state) == word) return state;
    }
    return std::nullopt;
}

std::string_view to_string(Finder finder) {
    switch (finder) {
        case Finder::event:
            return "event";
        case Finder::complete_call:
            return "complete_call";
        case Finder::reconciler:
            return "reconciler";
    }
    return "";
}

std::string_view to_string(JobKind kind) {
    switch (kind) {
        case JobKind::process:
            return "process";
        case JobKind::settle_original:
            return "settle_original";
        case JobKind::remove_published:
            return "remove_published";
    }
    return "";
}

std::string_view to_string(OriginalAction action) {
    switch (action) {
        case OriginalAction::remove:
            return "remove";
        case OriginalAction::keep:
            return "keep";
        case OriginalAction::quarantine:
            return "quarantine";
    }
    return "";
}

}  // namespace photogate::storage::records

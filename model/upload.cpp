#include "model/upload.hpp"

namespace photogate::model {

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
        case GrantMethod::multipart:
            return "multipart";
    }
    return "";
}

}  // namespace photogate::model

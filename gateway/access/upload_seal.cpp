#include "gateway/access/upload_seal.hpp"

#include <optional>

namespace photogate::gateway::access {
namespace {

constexpr std::string_view kPurpose = "uploadId";

}  // namespace

UploadSeals::UploadSeals(const std::vector<Secret>& secrets, Random& random)
    : sealer_(signer::Sealer{secrets, kPurpose}), random_(random) {}

void UploadSeals::replace(const std::vector<Secret>& secrets) {
    sealer_.replace(signer::Sealer{secrets, kPurpose});
}

std::string UploadSeals::seal(const SealedUpload& upload, const std::string& token_id) const {
    return sealer_.now()->seal(upload.id.str() + "\n" + upload.key.str(), token_id, random_);
}

Result<SealedUpload> UploadSeals::open(std::string_view sealed, const std::string& token_id) const {
    const auto text = sealer_.now()->open(sealed, token_id);
    const auto end = text ? text->find('\n') : std::string::npos;
    if (end == std::string::npos)
        return fail(ErrorCode::upload_not_found,
                    "the uploadId is none that was given out with this client token");
    return SealedUpload{UploadId::trusted(text->substr(0, end)), ObjectKey::trusted(text->substr(end + 1))};
}

}  // namespace photogate::gateway::access

#include "gateway/access/upload_ticket.hpp"

#include "base/ascii.hpp"
#include "base/base64url.hpp"

namespace photogate::gateway::access {
namespace {

constexpr std::string_view kTicketPrefix = "pgt_u";

std::string signed_text(const UploadId& upload, std::string_view seconds) {
    return "upload-ticket\n" + upload.str() + "\n" + std::string{seconds};
}

std::vector<signer::HmacKey> keys_of(const std::vector<Secret>& secrets) {
    std::vector<signer::HmacKey> keys;
    for (const auto& secret : secrets)
        keys.emplace_back(as_bytes(secret.reveal()));
    return keys;
}

}  // namespace

UploadTickets::UploadTickets(const std::vector<Secret>& secrets) : keys_(keys_of(secrets)) {}

void UploadTickets::replace(const std::vector<Secret>& secrets) {
    keys_.replace(keys_of(secrets));
}

std::string UploadTickets::sign(const UploadId& upload, Timestamp until) const {
    const auto seconds =
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(until.time_since_epoch()).count());
    return std::string{kTicketPrefix} + seconds + "." +
           base64url(keys_.now()->front().sign(signed_text(upload, seconds)));
}

Result<Timestamp> UploadTickets::verify(std::string_view presented, const UploadId& upload,
                                        Timestamp now) const {
    const auto refuse = [] {
        return fail(ErrorCode::unauthenticated,
                    "the URL is not one that was granted for this upload; ask your app for another");
    };
    const auto stop = presented.find('.');
    if (!looks_like_upload_ticket(presented) || stop == std::string_view::npos) return refuse();
    const auto seconds = presented.substr(kTicketPrefix.size(), stop - kTicketPrefix.size());
    const auto end = ascii::parse_whole<std::int64_t>(seconds);
    const auto signature = from_base64url(presented.substr(stop + 1));
    bool ours = false;
    const auto keys = keys_.now();
    for (const auto& key : *keys) {
        const auto expected = key.sign(signed_text(upload, seconds));
        const bool same =
            signature && signer::constant_time_equal(BytesView{*signature}, BytesView{expected});
        ours = ours || same;
    }
    if (!ours || !end) return refuse();
    const Timestamp until{std::chrono::seconds{*end}};
    if (until <= now)
        return fail(ErrorCode::upload_not_found,
                    "the time to send this upload has ended; ask your app for another URL");
    return until;
}

bool looks_like_upload_ticket(std::string_view credential) {
    return credential.starts_with(kTicketPrefix);
}

}  // namespace photogate::gateway::access

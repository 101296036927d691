// Upload tickets: what lets a client send the bytes of one upload through the gateway, as a part of a URL.
//
// `pgt_u<seconds>.<signature>`: the end in Unix time, and HMAC-SHA256 over the upload's id and that end. It says nothing but
// that, so it need not be kept; whoever has it can send, look and cancel, and read nothing. The secrets are those of client
// tokens; no client token begins with `pgt_u`.
//
// Thread safety: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/live.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {

class UploadTickets {
  public:
    /// The first signs, all verify. At least one.
    explicit UploadTickets(const std::vector<Secret>& secrets);
    /// In the place of those that it has. At least one.
    void replace(const std::vector<Secret>& secrets);
    std::string sign(const UploadId& upload, Timestamp until) const;
    /// When it ends. Errors: unauthenticated for whatever we did not sign for this upload, upload_not_found where it has ended.
    Result<Timestamp> verify(std::string_view presented, const UploadId& upload, Timestamp now) const;

  private:
    Live<std::vector<signer::HmacKey>> keys_;
};

bool looks_like_upload_ticket(std::string_view credential);

}  // namespace photogate::gateway::access

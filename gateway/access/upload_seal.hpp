// The `uploadId` of an upload whose client speaks Uppy's protocol: which upload it is, sealed for the client token that made it.
//
// It is opaque to its holder, and good with that token and with the upload's key alone. It holds no rights of its own: whoever
// shows it is still held to what its token may do, and it ends with that token. The secrets are those of client tokens.
//
// Thread safety: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/live.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "signer/sealer.hpp"

namespace photogate::gateway::access {

struct SealedUpload {
    UploadId id;
    ObjectKey key;
};

class UploadSeals {
  public:
    /// The first secret seals, all open. At least one. `random` outlives this.
    UploadSeals(const std::vector<Secret>& secrets, Random& random);
    /// In the place of those that it has. At least one.
    void replace(const std::vector<Secret>& secrets);
    std::string seal(const SealedUpload& upload, const std::string& token_id) const;
    /// Errors: upload_not_found for whatever we did not seal for this token.
    Result<SealedUpload> open(std::string_view sealed, const std::string& token_id) const;

  private:
    Live<signer::Sealer> sealer_;
    Random& random_;
};

}  // namespace photogate::gateway::access

#include "gateway/access/token_secrets.hpp"

#include "base/encoding.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {

std::vector<Secret> derive_token_secrets(const std::map<std::string, Secret>& workers,
                                         const std::string& designated) {
    std::vector<Secret> secrets;
    for (const auto& [region, worker] : workers) {
        if (worker.reveal().empty()) continue;
        const signer::HmacKey key{as_bytes(worker.reveal())};
        Secret secret{hex_lower(key.sign("photogate client tokens, 1"))};
        if (region == designated) {
            secrets.insert(secrets.begin(), std::move(secret));
        } else {
            secrets.push_back(std::move(secret));
        }
    }
    return secrets;
}

}  // namespace photogate::gateway::access

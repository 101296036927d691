#include "gateway/system/link_keys.hpp"

#include <map>
#include <string>
#include <utility>

#include "gateway/access/token_secrets.hpp"

namespace photogate::gateway::system {

std::vector<Secret> token_secrets(const config::Config& config, const pipeline::Stores& stores) {
    if (!config.server.token_secrets.empty()) return config.server.token_secrets;
    std::map<std::string, Secret> workers;
    for (const auto& [name, store] : stores.all())
        workers.emplace(name, store.keys->now()->worker.secret_access_key);
    return access::derive_token_secrets(workers, config.default_region);
}

access::LinkKeys link_keys(const model::Apps& apps, const std::vector<Secret>& roots) {
    std::map<AppName, signer::LinkSigner> signers;
    for (const auto& [name, app] : apps) {
        const auto& own = app.link_secrets;
        signers.emplace(name,
                        signer::LinkSigner(own.empty() ? access::derive_link_secrets(roots, name) : own));
    }
    return access::LinkKeys{std::move(signers)};
}

}  // namespace photogate::gateway::system

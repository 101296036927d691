#include "gateway/system/event_sources.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace photogate::gateway::system {

notifier::events::Sources event_sources_of(const config::Config& config) {
    using notifier::events::TokenAuthenticator;
    std::vector<notifier::events::Source> sources;
    for (const auto& [name, source] : config.events) {
        sources.push_back({name, source.regions, source.dialect, source.key_encoding,
                           notifier::events::Belief::check,
                           std::make_shared<const TokenAuthenticator>(source.tokens)});
    }
    return notifier::events::Sources{std::move(sources)};
}

}  // namespace photogate::gateway::system

#include "notifier/events/source.hpp"

#include <utility>

namespace photogate::notifier::events {

Sources::Sources(std::vector<Source> sources) {
    for (auto& source : sources) {
        auto name = source.name;
        sources_.emplace(std::move(name), std::move(source));
    }
}

const Source* Sources::find(std::string_view name) const {
    const auto found = sources_.find(name);
    return found == sources_.end() ? nullptr : &found->second;
}

HeadVerdict Sources::from_head(const Source* source, const SenderHead& head) {
    static const TokenAuthenticator nobody{{}};
    const Authenticator* authenticator = source ? source->authenticator.get() : nullptr;
    return (authenticator ? *authenticator : nobody).from_head(head);
}

}  // namespace photogate::notifier::events

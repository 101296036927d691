#include "gateway/access/client_places.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <utility>

namespace photogate::gateway::access {
namespace {

constexpr std::chrono::seconds kComeAgain{5};

/// Counts of those that have any, so that the size is bounded by the places in all.
template <class Key>
void leave(std::map<Key, std::size_t>& counts, const Key& key) {
    const auto found = counts.find(key);
    if (found != counts.end() && --found->second == 0) counts.erase(found);
}

template <class Key>
bool is_full(const std::map<Key, std::size_t>& counts, const Key& key, std::size_t most) {
    const auto found = counts.find(key);
    return (found == counts.end() ? 0 : found->second) >= most;
}

Error refusal(ClientPlaces::Limit limit, std::size_t most, const PlaceWords& words) {
    const auto of = [&](const char* whom) {
        return Error{ErrorCode::rate_limited,
                     std::string{whom} + " has as many " + words.requests + " as it may (" +
                         std::to_string(most) + "): come again when one of them has ended" + words.otherwise,
                     {},
                     kComeAgain};
    };
    switch (limit) {
        case ClientPlaces::Limit::token:
            return of("this client token");
        case ClientPlaces::Limit::app:
            return of("this app");
        case ClientPlaces::Limit::address:
            return of("this client address");
        case ClientPlaces::Limit::all:
            break;
    }
    return {ErrorCode::overloaded,
            std::string{"there are as many "} + words.requests +
                " as the gateway holds: come again in a moment" + words.otherwise,
            {},
            kComeAgain};
}

}  // namespace

struct ClientPlaces::State {
    State(PlaceLimits given, PlaceWords said) : limits(given), words(said) {}
    const PlaceLimits limits;
    const PlaceWords words;
    mutable std::mutex mutex;
    Counts counts;
    std::map<std::string, std::size_t> by_token;
    std::map<std::string, std::size_t> by_app;
    std::map<IpAddress, std::size_t> by_address;

    std::optional<Error> refuses(const PlaceClient& client) {
        const auto refuse = [&](Limit limit, std::size_t most) {
            ++counts.refused[static_cast<std::size_t>(limit)];
            return refusal(limit, most, words);
        };
        if (!client.token.empty() && is_full(by_token, client.token, limits.per_token))
            return refuse(Limit::token, limits.per_token);
        if (is_full(by_app, client.app, limits.per_app)) return refuse(Limit::app, limits.per_app);
        if (client.address && is_full(by_address, *client.address, limits.per_address))
            return refuse(Limit::address, limits.per_address);
        if (counts.taken >= limits.all) return refuse(Limit::all, limits.all);
        return std::nullopt;
    }
};

ClientPlaces::ClientPlaces(PlaceLimits limits, PlaceWords words)
    : state_(std::make_shared<State>(limits, words)) {}

Result<ClientPlaces::Place> ClientPlaces::take(PlaceClient client) {
    if (client.address) client.address = client.address->subscriber();
    std::lock_guard lock(state_->mutex);
    if (auto refused = state_->refuses(client)) return tl::unexpected(std::move(*refused));
    ++state_->counts.taken;
    ++state_->by_app[client.app];
    if (!client.token.empty()) ++state_->by_token[client.token];
    if (client.address) ++state_->by_address[*client.address];
    return Place{state_, std::move(client)};
}

ClientPlaces::Counts ClientPlaces::counts() const {
    std::lock_guard lock(state_->mutex);
    return state_->counts;
}

ClientPlaces::Place::Place(std::shared_ptr<State> state, PlaceClient client)
    : state_(std::move(state)), client_(std::move(client)) {}

ClientPlaces::Place& ClientPlaces::Place::operator=(Place&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(client_, other.client_);
    return *this;
}

ClientPlaces::Place::~Place() {
    if (!state_) return;
    std::lock_guard lock(state_->mutex);
    --state_->counts.taken;
    leave(state_->by_app, client_.app);
    if (!client_.token.empty()) leave(state_->by_token, client_.token);
    if (client_.address) leave(state_->by_address, *client_.address);
}

const char* to_string(ClientPlaces::Limit limit) {
    switch (limit) {
        case ClientPlaces::Limit::token:
            return "token";
        case ClientPlaces::Limit::app:
            return "app";
        case ClientPlaces::Limit::address:
            return "address";
        case ClientPlaces::Limit::all:
            return "all";
    }
    return "";
}

}  // namespace photogate::gateway::access

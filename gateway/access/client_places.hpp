// How many requests of one kind may be under way at once: in all, and of one client token, app or client address.
//
// A request that waits for an upload costs a connection and a query now and then, one that sends an upload costs memory, and
// every caller may have some. So the number is bounded by who asks, before anything is done for the request.
//
// Thread safety: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/ip_address.hpp"
#include "base/result.hpp"

namespace photogate::gateway::access {

struct PlaceLimits {
    static constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
    std::size_t all = kAnyNumber;
    std::size_t per_app = kAnyNumber;  ///< its client tokens' included
    std::size_t per_token = kAnyNumber;
    std::size_t per_address = kAnyNumber;  ///< of an IPv4 address or an IPv6 /64
};

/// How a refusal speaks of the requests.
struct PlaceWords {
    const char* requests = "requests under way";
    const char* otherwise = "";  ///< what can be done instead, behind what to wait for
};

struct PlaceClient {
    std::string app;                   ///< empty: an operator
    std::string token;                 ///< a client token's id; empty: a key
    std::optional<IpAddress> address;  ///< nullopt: a proxy's own, which stands for many clients
};

class ClientPlaces {
    struct State;

  public:
    /// In the order in which they are looked at.
    enum class Limit { token, app, address, all };
    static constexpr std::array<Limit, 4> kLimits{Limit::token, Limit::app, Limit::address, Limit::all};

    /// One request's place, until its destruction. May outlive the ClientPlaces.
    class Place {
      public:
        Place() = default;
        ~Place();
        Place(Place&&) noexcept = default;
        Place& operator=(Place&& other) noexcept;

      private:
        friend class ClientPlaces;
        Place(std::shared_ptr<State> state, PlaceClient client);
        std::shared_ptr<State> state_;  ///< null: no place
        PlaceClient client_;
    };

    struct Counts {
        std::size_t taken = 0;
        std::array<std::uint64_t, kLimits.size()> refused{};  ///< by Limit
    };

    explicit ClientPlaces(PlaceLimits limits, PlaceWords words = {});
    /// Errors: rate_limited (the token's, app's or address's places are taken), overloaded (all are), each
    /// with a time after which to come again.
    Result<Place> take(PlaceClient client);
    Counts counts() const;

  private:
    std::shared_ptr<State> state_;
};

/// `token`, `app`, `address`, `all`: a label's value.
const char* to_string(ClientPlaces::Limit limit);

}  // namespace photogate::gateway::access

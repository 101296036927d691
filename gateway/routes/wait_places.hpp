// How many requests may wait for an upload at once: in all, and for one client token, app or client address.
//
// A waiting request costs a connection and a query now and then, and every caller may
// wait. So the number is bounded by who asks, before anything is done for the request.
//
// Thread safety: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/ip_address.hpp"
#include "base/result.hpp"

namespace photogate::gateway::routes {

struct WaitLimits {
    std::size_t all = 2'048;
    std::size_t per_app = 1'024;  ///< its client tokens' included
    std::size_t per_token = 64;
    std::size_t per_address = 256;  ///< of an IPv4 address or an IPv6 /64
};

struct WaitingClient {
    std::string app;                   ///< empty: an operator
    std::string token;                 ///< a client token's id; empty: a key
    std::optional<IpAddress> address;  ///< nullopt: a proxy's own, which stands for many clients
};

class WaitPlaces {
    struct State;

  public:
    /// In the order in which they are looked at.
    enum class Limit { token, app, address, all };
    static constexpr std::array<Limit, 4> kLimits{Limit::token, Limit::app, Limit::address, Limit::all};

    /// One request's place, until its destruction. May outlive the WaitPlaces.
    class Place {
      public:
        Place() = default;
        ~Place();
        Place(Place&&) noexcept = default;
        Place& operator=(Place&& other) noexcept;

      private:
        friend class WaitPlaces;
        Place(std::shared_ptr<State> state, WaitingClient client);
        std::shared_ptr<State> state_;  ///< null: no place
        WaitingClient client_;
    };

    struct Counts {
        std::size_t taken = 0;
        std::array<std::uint64_t, kLimits.size()> refused{};  ///< by Limit
    };

    explicit WaitPlaces(WaitLimits limits);
    /// Errors: rate_limited (the token's, app's or address's places are taken), overloaded (all are), each
    /// with a time after which to come again.
    Result<Place> take(WaitingClient client);
    Counts counts() const;

  private:
    std::shared_ptr<State> state_;
};

/// `token`, `app`, `address`, `all`: a label's value.
const char* to_string(WaitPlaces::Limit limit);

}  // namespace photogate::gateway::routes

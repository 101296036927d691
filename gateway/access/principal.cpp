#include "gateway/access/principal.hpp"

namespace photogate::gateway::access {

const AppName* Principal::app() const {
    if (const auto* server = std::get_if<AppServer>(&who)) return &server->app;
    const auto* claims = token();
    return claims ? &claims->app : nullptr;
}

const model::ClientToken* Principal::token() const {
    const auto* bearer = std::get_if<TokenBearer>(&who);
    return bearer ? &bearer->token : nullptr;
}

}  // namespace photogate::gateway::access

#include "signer/signer.hpp"

#include "signer/signer_state.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {

Signer::State::State(Credentials credentials, Region region, std::string service)
    : keys(std::move(credentials), std::move(region), std::move(service)) {
    if (const auto& token = keys.credentials().session_token) {
        token_parameter = Secret{"&X-Amz-Security-Token=" + encode_component(token->reveal())};
    }
}

Signer::Signer(Credentials credentials, Region region, std::string service)
    : state_(std::make_unique<Live<State>>(
          std::make_shared<const State>(std::move(credentials), region, service))),
      region_(std::move(region)),
      service_(std::move(service)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

void Signer::replace(Credentials credentials) const {
    state_->replace(std::make_shared<const State>(std::move(credentials), region_, service_));
}

std::string Signer::access_key_id() const {
    return state_->now()->keys.credentials().access_key_id;
}
const Region& Signer::region() const {
    return region_;
}

}  // namespace photogate::signer

#include "storage/http/http_client.hpp"

#include <stdexcept>

#include <strings.h>

#include "storage/http/client_state.hpp"

namespace photogate::storage::http {

const std::string* Response::header(std::string_view name) const {
    for (const HeaderField& field : headers) {
        if (field.name.size() == name.size() &&
            ::strncasecmp(field.name.data(), name.data(), name.size()) == 0)
            return &field.value;
    }
    return nullptr;
}

HttpClient::HttpClient(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised != CURLE_OK) throw std::runtime_error{"libcurl can't be initialised"};
}

HttpClient::~HttpClient() = default;

Result<Response> HttpClient::send(const Request& request) {
    EasyHandle handle = state_->take();
    if (!handle) return fail(ErrorCode::internal, "libcurl gave no handle");
    // The handle's options point to the transfer's headers and error buffer until it is reset.
    Transfer transfer{request, state_->options};
    struct Return {
        State& state;
        EasyHandle& handle;
        ~Return() { state.give_back(std::move(handle)); }
    } const give_back{*state_, handle};
    return transfer.run(handle.get());
}

}  // namespace photogate::storage::http

#include "storage/http/http_client.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include <strings.h>

#include "storage/http/transfer.hpp"

namespace photogate::storage::http {

const std::string* Response::header(std::string_view name) const {
    for (const HeaderField& field : headers) {
        if (field.name.size() == name.size() &&
            ::strncasecmp(field.name.data(), name.data(), name.size()) == 0)
            return &field.value;
    }
    return nullptr;
}

/// Handles own their connections: a connection made under this client's guard serves only this client.
struct HttpClient::State {
    explicit State(ClientOptions given) : options(std::move(given)) {}

    EasyHandle take() {
        {
            const std::lock_guard lock{mutex};
            if (!kept.empty()) {
                EasyHandle handle =
                    std::move(kept.back());  // the most recently used one has the freshest connection
                kept.pop_back();
                return handle;
            }
        }
        return EasyHandle{curl_easy_init()};
    }

    void give_back(EasyHandle handle) {
        curl_easy_reset(handle.get());
        const std::lock_guard lock{mutex};
        if (kept.size() < options.kept_handles) kept.push_back(std::move(handle));
    }

    const ClientOptions options;
    std::mutex mutex;
    std::vector<EasyHandle> kept;
};

HttpClient::HttpClient(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised != CURLE_OK) throw std::runtime_error{"libcurl can't be initialised"};
    state_->kept.reserve(state_->options.kept_handles);
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

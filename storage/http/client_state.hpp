// What an HttpClient keeps between its calls. Private to storage/http.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "storage/http/transfer.hpp"

namespace photogate::storage::http {

struct FreeMulti {
    void operator()(CURLM* handle) const { (void)curl_multi_cleanup(handle); }
};
using MultiHandle = std::unique_ptr<CURLM, FreeMulti>;

/// What one ResponseStream works with. The connection belongs to the multi handle, so they stay together. The
/// easy handle goes first.
struct StreamHandles {
    MultiHandle multi;
    EasyHandle easy;
};

/// Handles hold their connections: what was connected under this client's guard serves this client alone.
struct HttpClient::State {
    explicit State(ClientOptions given) : options(std::move(given)) {
        kept.reserve(options.kept_handles);
        kept_streams.reserve(options.kept_handles);
    }

    EasyHandle take() {
        {
            const std::lock_guard lock{mutex};
            if (!kept.empty()) {
                EasyHandle handle =
                    std::move(kept.back());  // the one used last: its connection is the warmest
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

    StreamHandles take_stream() {
        {
            const std::lock_guard lock{mutex};
            if (!kept_streams.empty()) {
                StreamHandles handles = std::move(kept_streams.back());
                kept_streams.pop_back();
                return handles;
            }
        }
        return {MultiHandle{curl_multi_init()}, EasyHandle{curl_easy_init()}};
    }

    void give_back(StreamHandles handles) {
        curl_easy_reset(handles.easy.get());
        const std::lock_guard lock{mutex};
        if (kept_streams.size() < options.kept_handles) kept_streams.push_back(std::move(handles));
    }

    const ClientOptions options;
    std::mutex mutex;
    std::vector<EasyHandle> kept;
    std::vector<StreamHandles> kept_streams;
};

}  // namespace photogate::storage::http

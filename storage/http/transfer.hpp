// One request in progress on one curl handle: its callbacks, their observations, and the result. Private to
// storage/http.
//
// Callbacks are called from C and must not throw: an exception of the caller's sink or source is kept in
// `thrown` and rethrown once curl has returned.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <curl/curl.h>

#include "storage/http/body_source.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::storage::http {

struct FreeEasy {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, FreeEasy>;

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

class Transfer {
  public:
    /// Both outlive the transfer.
    Transfer(const Request& request, const ClientOptions& options);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    /// `handle` must have been reset.
    Result<Response> run(CURL* handle);

    // The same in steps, for ResponseStream: deliver_to, prepare, and finish once curl says that it is over.
    enum class Taken {
        all,
        later,  ///< nothing of it: curl keeps it and pauses until it is resumed
    };
    /// In place of the request's sink.
    void deliver_to(std::function<Taken(BytesView)> receiver) { receiver_ = std::move(receiver); }
    Result<> prepare(CURL* handle);
    Result<Response> finish(CURL* handle, CURLcode code);
    /// As far as it has come.
    const Response& response() const { return response_; }

  private:
    using Steady = std::chrono::steady_clock;
    static constexpr std::size_t kPause = CURL_WRITEFUNC_PAUSE;

    Error error_of(CURL* handle, CURLcode code) const;
    bool take_header(std::string_view line);
    bool take_body(BytesView bytes);
    std::size_t deliver(BytesView bytes);
    bool waited_too_long() const;

    static curl_socket_t on_open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int on_request_starts(void* self, char*, char*, int, int);
    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent);
    static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* self);
    static int on_seek(void* self, curl_off_t offset, int origin);
    static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);

    const Request& request_;
    const ClientOptions& options_;
    MemorySource text_;
    const BodySource& source_;
    HeaderList headers_;
    char reason_[CURL_ERROR_SIZE] = {};
    Response response_;
    std::function<Taken(BytesView)> receiver_;
    std::exception_ptr thrown_;
    Steady::time_point started_{};
    std::uint64_t read_ = 0;
    curl_off_t sent_ = 0;
    std::size_t header_bytes_ = 0;
    /// When the peer last became due to answer: on connection, or after more of the body was sent.
    Steady::time_point waiting_since_{};
    bool connected_ = false;
    bool address_refused_ = false;
    bool address_accepted_ = false;
    bool first_byte_seen_ = false;
    bool first_byte_late_ = false;
    bool source_failed_ = false;
    bool accepted_ = false;
    bool sink_stopped_ = false;
    bool body_cut_ = false;
    bool body_too_long_ = false;
    bool headers_too_long_ = false;
};

}  // namespace photogate::storage::http

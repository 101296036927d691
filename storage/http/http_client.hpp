// One outbound HTTP call: to the object store, or to a callback's receiver. The only place that knows
// libcurl.
//
// What it never does: follow a redirect, speak anything but http and https, send `Expect: 100-continue`,
// squash a path, read a proxy or .netrc from the environment, or keep a cookie. A signed request goes out
// byte for byte as it was signed.
//
// Thread safety: any number of threads may call send() at once. Connections are kept alive in a bounded pool
// of handles.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"

struct sockaddr;

namespace photogate::storage::http {

struct HeaderField {
    std::string name;
    std::string value;
};

/// Where a request's body comes from. A source is read once from `offset`; a retry reads it anew.
class BodySource {
  public:
    virtual ~BodySource() = default;
    virtual std::uint64_t size() const = 0;
    /// Reads up to `out.size()` bytes at `offset`; 0 at the end; nullopt on a read error.
    virtual std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

/// Takes a response's body as it arrives. False stops the transfer.
using BodySink = std::function<bool(BytesView)>;

struct Response;

struct Request {
    std::string method = "GET";
    std::string url;
    std::vector<HeaderField> headers;
    std::string body;                    ///< used where `source` is null
    const BodySource* source = nullptr;  ///< must outlive the call

    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds first_byte_timeout{10'000};
    /// Slower than this over 20 s is a stall.
    std::uint32_t stall_bytes_per_second = 1'024;
    std::chrono::milliseconds total_timeout{0};  ///< 0: bounded by stalls alone
    std::uint64_t max_response_body =
        1U << 20;                ///< for `Response::body`; a longer answer ends as store_protocol, or is cut
    bool cut_long_body = false;  ///< true: keep the first max_response_body bytes and stop there
    /// For 2xx answers; where it is empty, the body is collected in `Response::body`. Other answers are
    /// always collected.
    BodySink sink;
    /// Sees status and headers of a 2xx answer before `sink` gets its first byte; false stops the transfer.
    /// Not called for an answer without a body.
    std::function<bool(const Response&)> accept;
};

struct Response {
    int status = 0;
    std::vector<HeaderField> headers;
    std::string body;
    std::chrono::microseconds elapsed{};

    /// The first header of that name, whatever its case; nullptr where there is none.
    const std::string* header(std::string_view name) const;
};

/// Says whether an address that a name resolved to may be connected to. Called on the sockaddr that
/// connect(2) will get.
using AddressGuard = std::function<bool(const sockaddr&)>;

struct ClientOptions {
    std::string user_agent = "photogate";
    std::size_t kept_handles = 32;
    AddressGuard guard;   ///< empty: every address
    std::string ca_file;  ///< empty: the system's
    std::uint16_t only_port = 0;
};

class HttpClient {
  public:
    explicit HttpClient(ClientOptions options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Any status is a Response. Errors: http_dns and http_connect (nothing was sent), http_tls,
    /// http_timeout, http_broken (also where `sink` or `accept` stopped it), http_blocked, store_protocol (an
    /// answer longer than it may be); file_error where `source` failed; invalid_field for a method, URL or
    /// header that HTTP cannot carry. What `sink`, `source` or `accept` throw passes through.
    Result<Response> send(const Request& request);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::http

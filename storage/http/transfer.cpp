#include "storage/http/transfer.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "http/semantics/field.hpp"

namespace photogate::storage::http {

namespace {

constexpr std::size_t kMostHeaderBytes = 64U << 10;
constexpr std::chrono::seconds kStallWindow{20};

/// curl's varargs require exactly `long`, `curl_off_t` or pointers, unchecked in C++; this overload set
/// checks.
class Setter {
  public:
    explicit Setter(CURL* handle) : handle_(handle) {}
    void number(CURLoption option, long value) { keep(curl_easy_setopt(handle_, option, value)); }
    void large(CURLoption option, curl_off_t value) { keep(curl_easy_setopt(handle_, option, value)); }
    void text(CURLoption option, const char* value) { keep(curl_easy_setopt(handle_, option, value)); }
    void pointer(CURLoption option, void* value) { keep(curl_easy_setopt(handle_, option, value)); }
    template <class Signature>
    void function(CURLoption option, Signature* value) {
        keep(curl_easy_setopt(handle_, option, value));
    }
    CURLcode outcome() const { return outcome_; }

  private:
    void keep(CURLcode code) {
        if (outcome_ == CURLE_OK) outcome_ = code;
    }
    CURL* handle_;
    CURLcode outcome_ = CURLE_OK;
};

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && byte != '\t') || byte == 0x7f;
    });
}

bool has_space_or_control(std::string_view text) {
    return has_control(text) || text.find_first_of(" \t") != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

long milliseconds(std::chrono::milliseconds time) {
    return static_cast<long>(std::clamp<std::int64_t>(time.count(), 0, std::numeric_limits<int>::max()));
}

ErrorCode code_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return ErrorCode::http_dns;
        case CURLE_COULDNT_CONNECT:
        case CURLE_INTERFACE_FAILED:
            return ErrorCode::http_connect;
        case CURLE_OPERATION_TIMEDOUT:
            return ErrorCode::http_timeout;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_ENGINE_INITFAILED:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_SHUTDOWN_FAILED:
        case CURLE_USE_SSL_FAILED:
            return ErrorCode::http_tls;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_LOGIN_DENIED:
            return ErrorCode::http_blocked;
        case CURLE_URL_MALFORMAT:
            return ErrorCode::invalid_field;
        case CURLE_OUT_OF_MEMORY:
        case CURLE_FAILED_INIT:
        case CURLE_BAD_FUNCTION_ARGUMENT:
        case CURLE_UNKNOWN_OPTION:
        case CURLE_NOT_BUILT_IN:
            return ErrorCode::internal;
        default:  // curl has about a hundred codes for a broken connection; new ones belong here too
            return ErrorCode::http_broken;
    }
}

}  // namespace

Transfer::Transfer(const Request& request, const ClientOptions& options)
    : request_(request),
      options_(options),
      text_(std::string_view{request.body}),
      source_(request.source != nullptr ? *request.source : text_) {}

Result<Response> Transfer::run(CURL* handle) {
    if (auto prepared = prepare(handle); !prepared) return fail(prepared.error());
    return finish(handle, curl_easy_perform(handle));
}

Result<Response> Transfer::finish(CURL* handle, CURLcode code) {
    if (thrown_) std::rethrow_exception(thrown_);
    response_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - started_);
    if (code != CURLE_OK && !body_cut_) return fail(error_of(handle, code));
    return std::move(response_);
}

Result<> Transfer::prepare(CURL* handle) {
    started_ = Steady::now();
    if (!photogate::http::semantics::is_token(request_.method))
        return fail(ErrorCode::invalid_field, "the method is not a token");
    if (has_space_or_control(request_.url))
        return fail(ErrorCode::invalid_field, "the URL contains a space or a control character");
    const auto add = [this](const std::string& line) {
        curl_slist* longer = curl_slist_append(headers_.get(), line.c_str());
        if (longer == nullptr) return false;
        (void)headers_.release();
        headers_.reset(longer);
        return true;
    };
    for (const HeaderField& field : request_.headers) {
        if (!photogate::http::semantics::is_token(field.name) || has_control(field.value)) {
            return fail(ErrorCode::invalid_field, "a header contains a character that HTTP does not allow");
        }
        // `Name;` is curl's way to send a header without a value; `Name:` would remove it.
        if (!add(field.value.empty() ? field.name + ";" : field.name + ": " + field.value)) {
            return fail(ErrorCode::internal, "out of memory");
        }
    }
    if (!add("Expect:")) return fail(ErrorCode::internal, "out of memory");

    Setter set{handle};
    set.text(CURLOPT_URL, request_.url.c_str());
    set.pointer(CURLOPT_HTTPHEADER, headers_.get());
    set.pointer(CURLOPT_ERRORBUFFER, reason_);
    set.text(CURLOPT_USERAGENT, options_.user_agent.c_str());

    const bool sends = source_.size() > 0 || request_.method == "PUT" || request_.method == "POST";
    if (request_.method == "HEAD") {
        set.number(CURLOPT_NOBODY, 1L);
    } else {
        set.number(sends ? CURLOPT_UPLOAD : CURLOPT_HTTPGET, 1L);
        set.text(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
    if (sends) {
        set.large(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(source_.size()));
        set.function(CURLOPT_READFUNCTION, &Transfer::on_read);
        set.pointer(CURLOPT_READDATA, this);
        set.function(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
        set.pointer(CURLOPT_SEEKDATA, this);
        set.number(CURLOPT_UPLOAD_BUFFERSIZE, 128L << 10);
    }

    set.number(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set.number(CURLOPT_PATH_AS_IS, 1L);
    set.number(CURLOPT_NOSIGNAL, 1L);
    set.text(CURLOPT_PROTOCOLS_STR, "http,https");
    set.number(CURLOPT_FOLLOWLOCATION, 0L);
    set.text(CURLOPT_PROXY, "");
    set.number(CURLOPT_NETRC, CURL_NETRC_IGNORED);
    set.number(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    // Not CURLOPT_BUFFERSIZE: curl 7.88 refuses it on a handle whose last transfer failed before it
    // connected.
    set.number(CURLOPT_MAXCONNECTS, 4L);
    set.number(CURLOPT_SSL_VERIFYPEER, 1L);
    set.number(CURLOPT_SSL_VERIFYHOST, 2L);
    set.number(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!options_.ca_file.empty()) set.text(CURLOPT_CAINFO, options_.ca_file.c_str());

    // Waiting for the first byte must not count as a stall before its own timeout.
    const auto stall =
        std::max(kStallWindow, std::chrono::ceil<std::chrono::seconds>(request_.first_byte_timeout) +
                                   std::chrono::seconds{1});
    set.number(CURLOPT_CONNECTTIMEOUT_MS, std::max(milliseconds(request_.connect_timeout), 1L));
    set.number(CURLOPT_TIMEOUT_MS, milliseconds(request_.total_timeout));
    set.number(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(request_.stall_bytes_per_second));
    set.number(CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));

    set.function(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    set.pointer(CURLOPT_OPENSOCKETDATA, this);
    set.function(CURLOPT_PREREQFUNCTION, &Transfer::on_request_starts);
    set.pointer(CURLOPT_PREREQDATA, this);
    set.number(CURLOPT_NOPROGRESS, 0L);
    set.function(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set.pointer(CURLOPT_XFERINFODATA, this);
    set.function(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set.pointer(CURLOPT_HEADERDATA, this);
    set.function(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set.pointer(CURLOPT_WRITEDATA, this);
    if (set.outcome() != CURLE_OK) {
        return fail(ErrorCode::internal, std::string{"libcurl: "} + curl_easy_strerror(set.outcome()));
    }
    return {};
}

Error Transfer::error_of(CURL* handle, CURLcode code) const {
    const auto make = [](ErrorCode what, std::string detail) {
        return Error{what, std::move(detail), {}, std::nullopt};
    };
    if (source_failed_) return make(ErrorCode::file_error, "the request body could not be read to its end");
    if (body_too_long_) return make(ErrorCode::store_protocol, "the response is over the size limit");
    if (headers_too_long_)
        return make(ErrorCode::http_broken, "the response's headers are over the size limit");
    if (sink_stopped_) return make(ErrorCode::http_broken, "the receiver of the body stopped it");
    if (first_byte_late_) return make(ErrorCode::http_timeout, "no response within the time limit");

    ErrorCode what = code_of(code);
    // curl uses the same code for a forbidden scheme and for a response that is not HTTP.
    if (what == ErrorCode::http_blocked && connected_) what = ErrorCode::http_broken;
    if (what == ErrorCode::http_connect && address_refused_ && !address_accepted_)
        what = ErrorCode::http_blocked;
    if (what == ErrorCode::http_timeout && !connected_) {
        // curl reports "timed out" for resolution and connection too; neither has sent anything yet.
        curl_off_t looked_up = 0, connected = 0;
        (void)curl_easy_getinfo(handle, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
        (void)curl_easy_getinfo(handle, CURLINFO_CONNECT_TIME_T, &connected);
        if (looked_up == 0) {
            what = ErrorCode::http_dns;
        } else if (connected == 0) {
            what = ErrorCode::http_connect;
        }
    }
    if (what == ErrorCode::http_blocked && address_refused_)
        return make(what, "every address of the host is private or reserved");
    return make(what, reason_[0] != '\0' ? reason_ : curl_easy_strerror(code));
}

bool Transfer::waited_too_long() const {
    return connected_ && !first_byte_seen_ && Steady::now() - waiting_since_ > request_.first_byte_timeout;
}

bool Transfer::take_header(std::string_view line) {
    first_byte_seen_ = true;
    header_bytes_ += line.size();
    if (header_bytes_ > kMostHeaderBytes) {
        headers_too_long_ = true;
        return false;
    }
    if (line.starts_with("HTTP/")) {  // the final response's headers, not those of a preceding 1xx
        response_.headers.clear();
        const auto space = line.find(' ');
        response_.status = 0;
        if (space != std::string_view::npos) {
            (void)std::from_chars(line.data() + space + 1, line.data() + line.size(), response_.status);
        }
        return true;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    response_.headers.push_back(
        {std::string{line.substr(0, colon)}, std::string{trimmed(line.substr(colon + 1))}});
    return true;
}

bool Transfer::take_body(BytesView bytes) {
    if (request_.sink && response_.status >= 200 && response_.status < 300) {
        if (request_.accept && !std::exchange(accepted_, true) && !request_.accept(response_)) {
            sink_stopped_ = true;
            return false;
        }
        sink_stopped_ = !request_.sink(bytes);
        return !sink_stopped_;
    }
    const std::uint64_t room = request_.max_response_body -
                               std::min<std::uint64_t>(response_.body.size(), request_.max_response_body);
    const bool fits = bytes.size() <= room;
    response_.body.append(as_text(fits ? bytes : bytes.first(static_cast<std::size_t>(room))));
    if (!fits) (request_.cut_long_body ? body_cut_ : body_too_long_) = true;
    return fits;
}

/// What curl's write callback is to say.
std::size_t Transfer::deliver(BytesView bytes) {
    if (receiver_ && response_.status >= 200 && response_.status < 300)
        return receiver_(bytes) == Taken::later ? kPause : bytes.size();
    if (take_body(bytes)) return bytes.size();
    return bytes.empty() ? 1 : 0;
}

curl_socket_t Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        std::uint16_t port = 0;
        if (address->family == AF_INET)
            port = ntohs(reinterpret_cast<const sockaddr_in*>(&address->addr)->sin_port);
        if (address->family == AF_INET6)
            port = ntohs(reinterpret_cast<const sockaddr_in6*>(&address->addr)->sin6_port);
        const ClientOptions& options = transfer.options_;
        const bool right_port = options.only_port == 0 || options.only_port == port;
        if (!right_port || (options.guard && !options.guard(address->addr))) {
            transfer.address_refused_ = true;
            return CURL_SOCKET_BAD;
        }
    } catch (...) {
        transfer.thrown_ = std::current_exception();
        return CURL_SOCKET_BAD;
    }
    transfer.address_accepted_ = true;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int Transfer::on_request_starts(void* self, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.connected_ = true;
    transfer.waiting_since_ = Steady::now();
    return CURL_PREREQFUNC_OK;
}

int Transfer::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (sent != transfer.sent_) {
        transfer.sent_ = sent;
        transfer.waiting_since_ = Steady::now();
    }
    // While bytes are still to be sent, the low-speed limit watches.
    const bool all_sent = sent >= static_cast<curl_off_t>(transfer.source_.size());
    if (all_sent && transfer.waited_too_long()) transfer.first_byte_late_ = true;
    return transfer.first_byte_late_ ? 1 : 0;
}

std::size_t Transfer::on_read(char* out, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        const auto got =
            transfer.source_.read(transfer.read_, {reinterpret_cast<std::uint8_t*>(out), size * count});
        if (!got || (*got == 0 && transfer.read_ < transfer.source_.size())) {
            transfer.source_failed_ = true;
            return CURL_READFUNC_ABORT;
        }
        transfer.read_ += *got;
        transfer.waiting_since_ = Steady::now();
        return *got;
    } catch (...) {
        transfer.thrown_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
    transfer.read_ = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

std::size_t Transfer::on_header(char* line, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.take_header({line, size * count}) ? size * count : 0;
    } catch (...) {
        transfer.thrown_ = std::current_exception();
        return 0;
    }
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.deliver({reinterpret_cast<const std::uint8_t*>(bytes), size * count});
    } catch (...) {
        transfer.thrown_ = std::current_exception();
    }
    return size * count == 0 ? 1 : 0;  // anything but the length ends the transfer
}

}  // namespace photogate::storage::http

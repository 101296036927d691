#include "scanner/icap.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "base/version.hpp"

namespace photogate::scanner {
namespace {

constexpr std::size_t kMostChunk = 64U << 10;
constexpr std::size_t kMostPreview = 64U << 10;
constexpr std::size_t kMostService = 512;
constexpr std::chrono::seconds kLeastGoodFor{10};
constexpr std::chrono::seconds kMostGoodFor{3'600};
constexpr int kContinue = 100;
constexpr int kOk = 200;
constexpr int kUnmodified = 204;
constexpr int kNotFound = 404;

/// What follows `name=` up to the next semicolon.
std::string_view parameter(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const auto end = text.find(';');
        const auto part = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto equals = part.find('=');
        if (equals != std::string_view::npos &&
            ascii::equals_ignoring_case(trim(part.substr(0, equals)), name))
            return trim(part.substr(equals + 1));
    }
    return {};
}

bool names(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (ascii::equals_ignoring_case(trim(list.substr(0, comma)), word)) return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

bool closes(const IcapAnswer& answer) {
    const auto* connection = answer.find("connection");
    return connection != nullptr && names(*connection, "close");
}

std::string in_chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

/// Whether what comes back is what was sent.
class Comparison {
  public:
    Comparison(int file, std::uint64_t size) : file_(file), size_(size) {}
    void take(std::string_view bytes) {
        while (same_ && !bytes.empty()) {
            const auto wanted = std::min<std::uint64_t>({bytes.size(), ours_.size(), size_ - at_});
            const auto got = wanted == 0 ? Result<std::size_t>{0} : read_at(file_, at_, ours_.data(), wanted);
            same_ = got && *got > 0 && std::memcmp(ours_.data(), bytes.data(), *got) == 0;
            if (!same_) return;
            at_ += *got;
            bytes.remove_prefix(*got);
        }
    }
    bool is_same() const { return same_ && at_ == size_; }
    bool is_other() const { return !same_; }

  private:
    const int file_;
    const std::uint64_t size_;
    std::uint64_t at_ = 0;
    bool same_ = true;
    std::array<char, 4'096> ours_{};
};

}  // namespace

Result<IcapAddress> parse_icap_address(std::string_view text) {
    const auto wrong = fail(ErrorCode::invalid_field,
                            "an ICAP service is icap://HOST[:PORT]/SERVICE; icaps is not supported");
    constexpr std::string_view kScheme = "icap://";
    if (!text.starts_with(kScheme)) return wrong;
    text.remove_prefix(kScheme.size());
    const auto slash = text.find('/');
    if (slash == std::string_view::npos || slash + 1 == text.size()) return wrong;
    const auto authority = text.substr(0, slash);
    const auto service = text.substr(slash);
    const auto is_visible = [](char c) { return c > 0x20 && c < 0x7F; };
    if (service.size() > kMostService || !std::all_of(service.begin(), service.end(), is_visible) ||
        service.find('#') != std::string_view::npos)
        return wrong;
    auto host = authority;
    std::string_view port = "1344";
    const auto bracket = authority.rfind(']');
    const auto colon = authority.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        host = authority.substr(0, colon);
        port = authority.substr(colon + 1);
    }
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto number = ascii::parse_whole<std::uint16_t>(port);
    const auto is_of_host = [&](char c) {
        return ascii::is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
    };
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_of_host) || !number || *number == 0)
        return wrong;
    return IcapAddress{std::string{host}, std::string{port}, std::string{authority}, std::string{service}};
}

Result<IcapService> read_icap_service(const IcapAnswer& answer, std::size_t most_connections) {
    if (answer.status() == kNotFound) return no_verdict("it has no service of that name");
    if (answer.status() != kOk)
        return no_verdict(fmt::format("it answered OPTIONS with status {}", answer.status()));
    const auto* methods = answer.find("methods");
    if (methods == nullptr || !names(*methods, "RESPMOD"))
        return no_verdict("its service scans no responses (RESPMOD)");
    IcapService service;
    const auto number = [&](std::string_view name) -> std::optional<std::uint32_t> {
        const auto* text = answer.find(name);
        return text == nullptr ? std::nullopt : ascii::parse_whole<std::uint32_t>(*text);
    };
    if (const auto preview = number("preview"))
        service.preview = std::min<std::size_t>(*preview, kMostPreview);
    const auto* allow = answer.find("allow");
    service.allows_204 = allow != nullptr && names(*allow, "204");
    service.connections =
        std::clamp<std::size_t>(number("max-connections").value_or(most_connections), 1, most_connections);
    service.good_for = std::clamp<std::chrono::seconds>(
        std::chrono::seconds{number("options-ttl").value_or(300)}, kLeastGoodFor, kMostGoodFor);
    return service;
}

Verdict read_icap_finding(const IcapAnswer& answer) {
    if (const auto* infection = answer.find("x-infection-found")) {
        const auto threat = shown(parameter(*infection, "Threat"));
        if (parameter(*infection, "Type") == "2") return beyond("a container violation: " + threat);
        return found(threat.empty() ? "unnamed" : threat);
    }
    for (const auto* name : {"x-virus-id", "x-violations-found"}) {
        const auto* value = answer.find(name);
        if (value == nullptr || value->empty() || *value == "0" || ascii::equals_ignoring_case(*value, "no"))
            continue;
        return found(shown(*value));
    }
    return {};
}

/// One request and what comes back, on one connection.
struct Icap::Exchange {
    Connection& connection;
    bool heard = false;     ///< anything at all
    bool reusable = false;  ///< the connection, after this
    std::string behind;     ///< bytes behind an answer of 100

    /// Reads until the answer is complete, or `enough` says that no more is needed.
    Result<> read(IcapAnswer& answer, const std::function<bool()>& enough = {}) {
        bool begun = false;
        while (!answer.is_complete()) {
            std::string_view bytes = behind;
            if (bytes.empty()) {
                const auto received = connection.receive();
                if (!received) return fail(received.error());
                if (received->empty())
                    return no_verdict(begun ? "its answer is cut off"
                                            : "it closed the connection without an answer");
                bytes = *received;
            }
            heard = begun = true;
            const auto used = answer.feed(bytes);
            if (!used) return fail(used.error());
            behind = std::string{bytes.substr(*used)};
            if (enough && answer.has_head() && enough()) return {};
        }
        return {};
    }
};

Result<IcapService> Icap::service(Exchange& exchange, bool& closing) {
    {
        const std::lock_guard lock{mutex_};
        if (service_ && Steady::now() < service_until_) return *service_;
    }
    const auto& address = options_.address;
    const auto sent = exchange.connection.send(
        fmt::format("OPTIONS icap://{}{} ICAP/1.0\r\nHost: {}\r\nUser-Agent: {}\r\n\r\n", address.authority,
                    address.service, address.authority, kUserAgent));
    if (!sent) return fail(sent.error());
    IcapAnswer answer;
    if (auto read = exchange.read(answer); !read) return fail(std::move(read.error()));
    if (!exchange.behind.empty()) return no_verdict("it says more than it was asked");
    auto found = read_icap_service(answer, options_.connections);
    if (!found) return found;
    closing = closes(answer);
    const std::lock_guard lock{mutex_};
    service_ = *found;
    service_until_ = Steady::now() + found->good_for;
    return found;
}

Result<Verdict> Icap::respmod(Exchange& exchange, const File& file, const IcapService& service) const {
    const auto& address = options_.address;
    auto& connection = exchange.connection;
    constexpr std::string_view kAsked = "GET /upload HTTP/1.1\r\nHost: photogate.invalid\r\n\r\n";
    const auto response = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n", file.size);
    const auto preview =
        service.preview ? std::optional{std::min<std::uint64_t>(*service.preview, file.size)} : std::nullopt;
    auto going = connection.send(
        fmt::format("RESPMOD icap://{}{} ICAP/1.0\r\nHost: {}\r\nUser-Agent: {}\r\n{}{}Encapsulated: "
                    "req-hdr=0, res-hdr={}, "
                    "res-body={}\r\n\r\n{}{}",
                    address.authority, address.service, address.authority, kUserAgent,
                    service.allows_204 ? "Allow: 204\r\n" : "",
                    service.preview ? fmt::format("Preview: {}\r\n", *service.preview) : std::string{},
                    kAsked.size(), kAsked.size() + response.size(), kAsked, response));

    std::vector<char> buffer(kMostChunk);
    std::uint64_t at = 0;
    const auto send_until = [&](std::uint64_t end) -> Result<> {
        while (going && *going && at < end) {
            const auto got = read_at(file.descriptor, at, buffer.data(),
                                     static_cast<std::size_t>(std::min<std::uint64_t>(kMostChunk, end - at)));
            if (!got) return fail(got.error());
            going = connection.send(in_chunk({buffer.data(), *got}));
            at += *got;
        }
        return {};
    };
    const auto send = [&](std::string_view bytes) {
        if (going && *going) going = connection.send(bytes);
    };

    Comparison comparison{file.descriptor, file.size};
    const auto sink = [&](std::string_view bytes) { comparison.take(bytes); };
    auto answer = std::make_unique<IcapAnswer>(sink);
    // What names an infection is enough, as is the first byte that is another: the rest is not waited for.
    const auto enough = [&] {
        return read_icap_finding(*answer).kind != Verdict::Kind::clean || comparison.is_other();
    };
    if (auto sent = send_until(preview.value_or(file.size)); !sent) return fail(std::move(sent.error()));
    send(preview && at == file.size ? "0; ieof\r\n\r\n" : "0\r\n\r\n");
    if (!going) return fail(going.error());
    bool whole = *going && (!preview || at == file.size);
    if (auto read = exchange.read(*answer, enough); !read) return fail(std::move(read.error()));
    if (answer->status() == kContinue) {
        if (whole || !preview || !*going) return no_verdict("it answered 100 and has everything");
        if (auto sent = send_until(file.size); !sent) return fail(std::move(sent.error()));
        send("0\r\n\r\n");
        if (!going) return fail(going.error());
        whole = *going;
        answer = std::make_unique<IcapAnswer>(sink);
        if (auto read = exchange.read(*answer, enough); !read) return fail(std::move(read.error()));
    }
    // What is left of a file that was not sent whole, or of an answer that was not read whole, would be taken for the next.
    exchange.reusable = whole && answer->is_complete() && exchange.behind.empty() && !closes(*answer);
    if (auto named = read_icap_finding(*answer); named.kind != Verdict::Kind::clean) return named;
    if (answer->status() == kUnmodified) return Verdict{};
    if (answer->status() != kOk)
        return no_verdict(fmt::format("it answered with status {}", answer->status()));
    if (comparison.is_other() || !answer->is_complete()) return found("a file that the scanner changes");
    if (answer->http_status() != kOk)
        return found(fmt::format("a file that the scanner answers with status {}", answer->http_status()));
    if (!comparison.is_same()) return found("a file that the scanner changes");
    return Verdict{};
}

Result<std::unique_ptr<Connection>> Icap::take(Steady::time_point deadline, bool& used_before) {
    {
        std::unique_lock lock{mutex_};
        const auto has_room = [this] {
            return taken_ < (service_ ? service_->connections : options_.connections);
        };
        if (!freed_.wait_until(lock, deadline, has_room)) {
            Error busy{ErrorCode::overloaded,
                       "all connections to the malware scanner are in use",
                       {},
                       std::chrono::seconds{2}};
            return fail(std::move(busy));
        }
        ++taken_;
        while (!idle_.empty()) {
            auto connection = std::move(idle_.back());
            idle_.pop_back();
            if (!connection->is_quiet()) continue;
            connection->set_deadline(deadline);
            used_before = true;
            return connection;
        }
    }
    used_before = false;
    auto connection = std::make_unique<Connection>(deadline);
    if (auto opened = connection->open_remote(options_.address.host, options_.address.port); !opened) {
        give_back(nullptr);
        return fail(std::move(opened.error()));
    }
    return connection;
}

void Icap::give_back(std::unique_ptr<Connection> connection) {
    {
        const std::lock_guard lock{mutex_};
        --taken_;
        if (connection) idle_.push_back(std::move(connection));
    }
    freed_.notify_one();
}

Result<Verdict> Icap::scan(int file, std::uint64_t size, std::chrono::milliseconds timeout) {
    if (auto too_long = check_length(size, options_.max_stream)) return std::move(*too_long);
    const auto deadline = Steady::now() + timeout;
    for (;;) {
        bool used_before = false;
        auto connection = take(deadline, used_before);
        if (!connection) return fail(std::move(connection.error()));
        Exchange exchange{**connection};
        bool closing = false;
        const auto known = service(exchange, closing);
        if (known && closing) {
            give_back(nullptr);
            continue;
        }
        auto verdict = known ? respmod(exchange, {file, size}, *known) : Result<Verdict>{fail(known.error())};
        // A server may close a connection that it has kept, at any time.
        const bool stale = !verdict && verdict.error().code == ErrorCode::scanner_unavailable &&
                           used_before && !exchange.heard && Steady::now() < deadline;
        give_back(exchange.reusable ? std::move(*connection) : nullptr);
        if (!stale) return verdict;
    }
}

}  // namespace photogate::scanner

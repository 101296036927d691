// A malware scanner that speaks ICAP (RFC 3507): the file goes as the body of a response that is to be changed (RESPMOD).
//
// 204 No Content: it is clean. A field that names an infection (X-Infection-Found, X-Virus-ID, X-Violations-Found), or any
// other answer than the file as it was: a finding. A container violation (X-Infection-Found with Type=2) is a limit of the
// scanner's. What the service can do is asked for once (OPTIONS) and again when its Options-TTL is over: a preview, 204,
// how many connections it takes. Connections are kept, a bounded number of them.
//
// Thread safety: any thread. Errors: those of engine.hpp. Sources: RFC 3507; draft-stecher-icap-subid-00 for the fields.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scanner/connection.hpp"
#include "scanner/engine.hpp"
#include "scanner/icap_answer.hpp"

namespace photogate::scanner {

struct IcapAddress {
    std::string host;  ///< an IPv6 address without its brackets
    std::string port;
    std::string authority;  ///< as it is written in a URL
    std::string service;    ///< `/avscan`, with a query where there is one
    bool operator==(const IcapAddress&) const = default;
};

/// `icap://HOST[:PORT]/SERVICE`; the port is 1344 where none is given. Errors: invalid_field.
Result<IcapAddress> parse_icap_address(std::string_view text);

struct IcapOptions {
    IcapAddress address;
    std::uint64_t max_stream = 25U << 20;
    std::size_t connections = 8;  ///< at most; fewer where the service says so
};

/// What the service says of itself.
struct IcapService {
    std::optional<std::size_t> preview;
    bool allows_204 = false;
    std::size_t connections = 1;
    std::chrono::seconds good_for{300};
};
/// Of an answer to OPTIONS that is complete. Errors: scanner_unavailable, for one that scans no responses.
Result<IcapService> read_icap_service(const IcapAnswer& answer, std::size_t most_connections);

/// The verdict that the fields of an answer name; clean: they name nothing.
Verdict read_icap_finding(const IcapAnswer& answer);

class Icap final : public Engine {
  public:
    explicit Icap(IcapOptions options) : options_(std::move(options)) {}
    Result<Verdict> scan(int file, std::uint64_t size, std::chrono::milliseconds timeout) override;

  private:
    using Steady = std::chrono::steady_clock;
    struct File {
        int descriptor;
        std::uint64_t size;
    };
    struct Exchange;

    /// What is known of the service, or asked for on this connection.
    Result<IcapService> service(Exchange& exchange, bool& closing);
    Result<Verdict> respmod(Exchange& exchange, const File& file, const IcapService& service) const;
    /// A connection for this one call. Errors: overloaded.
    Result<std::unique_ptr<Connection>> take(Steady::time_point deadline, bool& used_before);
    void give_back(std::unique_ptr<Connection> connection);

    const IcapOptions options_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<Connection>> idle_;
    std::size_t taken_ = 0;
    std::optional<IcapService> service_;
    Steady::time_point service_until_{};
};

}  // namespace photogate::scanner

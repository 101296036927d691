// A size of pieces, then any bytes as what an ICAP server says: the result does not depend on the split, everything is
// bounded, a verdict is short printable text, and what is known of a service is within our bounds.
#include "scanner/icap_answer.hpp"

#include <algorithm>
#include <string>

#include "fuzz.hpp"
#include "scanner/icap.hpp"

namespace photogate::scanner {
namespace {

using fuzz::require;

struct Outcome {
    bool refused = false;
    bool has_head = false;
    bool complete = false;
    int status = 0;
    int http_status = 0;
    std::size_t taken = 0;
    std::string body = {};
    std::string finding = {};
    bool operator==(const Outcome&) const = default;
};

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

std::string judge(const IcapAnswer& answer) {
    if (const auto service = read_icap_service(answer, 8)) {
        require(answer.status() == 200, "only a good answer describes a service");
        require(service->connections >= 1 && service->connections <= 8, "connections are bounded");
        require(!service->preview || *service->preview <= (64U << 10), "a preview is bounded");
        require(service->good_for.count() >= 10 && service->good_for.count() <= 3'600, "it is asked again");
    }
    const auto verdict = read_icap_finding(answer);
    require(verdict.kind != Verdict::Kind::failed, "a field is a finding, a limit or neither");
    require(verdict.kind == Verdict::Kind::clean || (!verdict.text.empty() && verdict.text.size() < 400),
            "a verdict has a short name");
    require(is_printable(verdict.text), "a name can be shown");
    return verdict.text;
}

Outcome read(std::string_view bytes, std::size_t step) {
    Outcome out;
    IcapAnswer answer{[&](std::string_view part) { out.body += part; }};
    while (!answer.is_complete() && out.taken < bytes.size()) {
        const auto piece = bytes.substr(out.taken, step);
        const auto taken = answer.feed(piece);
        if (!taken) {
            require(taken.error().code == ErrorCode::scanner_unavailable && !taken.error().detail.empty(),
                    "a refusal says why");
            return {.refused = true};
        }
        require(*taken <= piece.size(), "no more is taken than came");
        require(*taken == piece.size() || answer.is_complete(), "all is taken before the end");
        out.taken += *taken;
    }
    require(out.body.size() <= out.taken, "a body is what came");
    out.has_head = answer.has_head();
    out.complete = answer.is_complete();
    if (!out.has_head) return out;
    out.status = answer.status();
    require(out.status >= 100 && out.status < 600, "a status is one");
    out.finding = judge(answer);
    if (!out.complete) return out;
    out.http_status = answer.http_status();
    require(answer.feed("ICAP/1.0 200 OK\r\n") == std::size_t{0}, "behind the end nothing is taken");
    return out;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const std::size_t step = input.byte() % 16 + 1U;
    const auto text = input.rest();
    const auto whole = read(text, std::max<std::size_t>(text.size(), 1));
    require(whole == read(text, step), "an answer is the same however it arrives");
}

const fuzz::Target target{"icap_answer", run};

}  // namespace
}  // namespace photogate::scanner

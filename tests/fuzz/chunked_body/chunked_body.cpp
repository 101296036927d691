// A size of pieces, then any bytes as a chunked body: the result does not depend on the split, the limit
// holds, what is accepted is in RFC 9112's grammar and means the same there, and the decoded bytes survive a round
// trip as one chunk.
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "fuzz.hpp"
#include "gateway/http/chunked_decoder.hpp"
#include "tests/support/http_grammar.hpp"

namespace photogate::gateway::http {
namespace {

using fuzz::require;

constexpr std::uint64_t kLimit = 512;

struct Outcome {
    bool refused = false;
    bool done = false;
    std::size_t taken = 0;
    std::string body;
};

Outcome decode(std::string_view bytes, std::size_t step) {
    ChunkedDecoder decoder{kLimit};
    Outcome out;
    while (!decoder.done() && out.taken < bytes.size()) {
        const auto piece = bytes.substr(out.taken, step);
        const auto taken = decoder.feed(piece, out.body);
        if (!taken) {
            out.refused = true;
            return out;
        }
        require(*taken <= piece.size(), "no more is taken than came");
        require(*taken == piece.size() || decoder.done(), "all is taken before the end");
        require(out.body.size() <= kLimit, "the limit is kept");
        out.taken += *taken;
    }
    out.done = decoder.done();
    return out;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const std::size_t step = input.byte() % 16 + 1U;
    const auto text = input.rest();
    const auto whole = decode(text, std::max<std::size_t>(text.size(), 1));
    const auto pieces = decode(text, step);
    require(whole.refused == pieces.refused && whole.done == pieces.done,
            "a body is judged alike however it arrives");
    if (whole.refused) return;
    require(whole.body == pieces.body && whole.taken == pieces.taken,
            "a body is the same however it arrives");
    if (!whole.done) return;
    require(test::grammar::match_chunked(text.substr(0, whole.taken)) == whole.body,
            "an accepted body is in the grammar, with the same bytes");
    if (whole.body.empty()) return;
    const auto again =
        decode(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", whole.body.size(), whole.body), text.size() + 16);
    require(again.done && again.body == whole.body, "a body sent in one chunk is the same");
}

const fuzz::Target target{"chunked_body", run};

}  // namespace
}  // namespace photogate::gateway::http

// A size of pieces, the length that was announced, then any bytes as a body in S3's own chunks: the result
// does not depend on the split, a complete body has its length, and no unsigned chunk is taken as signed.
#include "gateway/s3/aws_chunked.hpp"

#include <algorithm>

#include "fuzz.hpp"

namespace photogate::gateway::s3 {
namespace {

using fuzz::require;

const signer::Credentials kCredentials{"fuzz", Secret{"a secret of no store"}, std::nullopt};

std::shared_ptr<signer::ChunkSignatures> signatures() {
    static const signer::SigningKeyCache keys{kCredentials, Region::trusted("us-east-1"), "s3"};
    constexpr Timestamp at = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};
    return std::make_shared<signer::ChunkSignatures>(keys.at(at), at, std::string(64, '0'));
}

struct Outcome {
    std::string body;
    std::vector<std::pair<std::string, std::string>> trailers;
    bool operator==(const Outcome&) const = default;
};

/// nullopt: rejected.
std::optional<Outcome> decode(AwsChunked decoder, std::string_view bytes, std::size_t step) {
    Outcome out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        if (!decoder.feed(bytes.substr(at, step), out.body)) return std::nullopt;
    }
    if (!decoder.finish()) return std::nullopt;
    out.trailers = decoder.trailers();
    return out;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const std::size_t step = input.byte() % 32 + 1U;
    const std::uint64_t length = input.byte();
    const auto text = input.rest();
    const auto whole = std::max<std::size_t>(text.size(), 1);
    const AwsChunked::Options plain{ChunkedForm::unsigned_with_trailer, nullptr, length};
    const auto at_once = decode(AwsChunked{plain}, text, whole);
    require(at_once == decode(AwsChunked{plain}, text, step), "a body is read alike however it arrives");
    if (at_once) {
        require(at_once->body.size() == length, "a whole body has the length announced");
        require(at_once->trailers.size() <= 16, "16 trailers are read at most");
    }
    for (const auto form : {ChunkedForm::signed_chunks, ChunkedForm::signed_chunks_and_trailer}) {
        require(!decode(AwsChunked{{form, signatures(), length}}, text, whole),
                "nobody signs without the secret");
    }
}

const fuzz::Target target{"aws_chunked", run};

}  // namespace
}  // namespace photogate::gateway::s3

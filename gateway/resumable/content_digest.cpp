#include "gateway/resumable/content_digest.hpp"

namespace photogate::gateway::resumable {
namespace {

using photogate::http::resumable::DigestAlgorithm;
using Stream =
    std::variant<signer::Sha1Stream, signer::Sha256Stream, signer::Sha512Stream, signer::Md5Stream>;

Stream stream_of(DigestAlgorithm algorithm) {
    switch (algorithm) {
        case DigestAlgorithm::sha1:
            return signer::Sha1Stream{};
        case DigestAlgorithm::sha256:
            return signer::Sha256Stream{};
        case DigestAlgorithm::sha512:
            return signer::Sha512Stream{};
        case DigestAlgorithm::md5:
            return signer::Md5Stream{};
    }
    return signer::Sha256Stream{};
}

}  // namespace

ContentDigest::ContentDigest(const photogate::http::resumable::ContentDigest& expected)
    : expected_(expected.value), stream_(stream_of(expected.algorithm)) {}

void ContentDigest::update(std::string_view bytes) {
    std::visit([&](auto& stream) { stream.update(as_bytes(bytes)); }, stream_);
}

bool ContentDigest::matches() {
    return std::visit(
        [&](auto& stream) {
            const auto found = stream.finish();
            return signer::constant_time_equal(BytesView{expected_}, BytesView{found});
        },
        stream_);
}

}  // namespace photogate::gateway::resumable

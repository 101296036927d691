#include "gateway/resumable/content_digest.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace photogate::gateway::resumable {
namespace {

using photogate::http::resumable::DigestAlgorithm;

bool matches(DigestAlgorithm algorithm, const char* base64_digest) {
    ContentDigest digest{{algorithm, from_base64(base64_digest).value_or(Bytes{})}};
    digest.update("hello ");
    digest.update("world");
    return digest.matches();
}

TEST(ContentDigest, holds_pieces_to_each_algorithm) {
    EXPECT_TRUE(matches(DigestAlgorithm::sha1, "Kq5sNclPz7QV2+lfQIuc6R7oRu0="));
    EXPECT_TRUE(matches(DigestAlgorithm::sha256, "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="));
    EXPECT_TRUE(matches(DigestAlgorithm::md5, "XrY7u+Ae7tCTyyK7j1rNww=="));
    EXPECT_FALSE(matches(DigestAlgorithm::sha1, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    EXPECT_FALSE(matches(DigestAlgorithm::sha1, ""));
}

}  // namespace
}  // namespace photogate::gateway::resumable

#include "signer/digest.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace photogate::signer {
namespace {

std::string hex(std::string_view text) {
    return hex_lower(sha256(text));
}

TEST(Digest, matches_fips_180_vectors_for_sha256) {
    EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Digest, matches_rfc_1321_vectors_for_md5) {
    EXPECT_EQ(hex_lower(md5(as_bytes(""))), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(hex_lower(md5(as_bytes("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
}

struct HmacCase {
    std::string key, message, expected;
};

TEST(Digest, matches_rfc_4231_vectors_for_hmac) {
    const std::vector<HmacCase> cases = {
        {std::string(20, '\x0b'), "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {std::string(20, '\xaa'), std::string(50, '\xdd'),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(hex_lower(hmac_sha256(as_bytes(each.key), as_bytes(each.message))), each.expected);
        const HmacKey key{as_bytes(each.key)};
        EXPECT_EQ(hex_lower(key.sign(each.message)), each.expected);
        EXPECT_EQ(hex_lower(key.sign(each.message)), each.expected)
            << "a key that has signed once signs again";
    }
}

TEST(Digest, signs_on_many_threads_concurrently) {
    const HmacKey key{as_bytes("Jefe")};
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                wrong[t] += hex_lower(key.sign("what do ya want for nothing?")) !=
                            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Digest, digests_pieces_like_the_whole) {
    const std::string text = "the quick brown fox jumps over the lazy dog, again and again and again";
    for (std::size_t cut = 0; cut <= text.size(); cut += 7) {
        Sha256Stream sha;
        Md5Stream md;
        for (auto piece : {text.substr(0, cut), text.substr(cut)}) {
            sha.update(as_bytes(piece));
            md.update(as_bytes(piece));
        }
        EXPECT_EQ(sha.finish(), sha256(text));
        EXPECT_EQ(md.finish(), md5(as_bytes(text)));
    }
}

TEST(Digest, detects_every_difference_in_comparison) {
    EXPECT_TRUE(constant_time_equal("", ""));
    EXPECT_TRUE(constant_time_equal("same", "same"));
    EXPECT_FALSE(constant_time_equal("same", "sama"));
    EXPECT_FALSE(constant_time_equal("same", "tame"));
    EXPECT_FALSE(constant_time_equal("same", "same "));
    EXPECT_FALSE(constant_time_equal("", "x"));
}

}  // namespace
}  // namespace photogate::signer

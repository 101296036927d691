#include "storage/builtin/checksum.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "storage/builtin/crc.hpp"

namespace photogate::storage::builtin {
namespace {

std::string sum(ChecksumAlgorithm algorithm, std::string_view text) {
    ChecksumStream stream{algorithm};
    stream.update(as_bytes(text));
    return stream.finish();
}

// The check values of the CRC catalogue, and the digests of RFC 3174 and FIPS 180-4 tools.
TEST(FolderChecksum, matches_published_values_for_each_algorithm) {
    constexpr std::string_view kDigits = "123456789";
    EXPECT_EQ(extend_crc(Crc::crc32, 0, as_bytes(kDigits)), 0xCBF43926U);
    EXPECT_EQ(extend_crc(Crc::crc32c, 0, as_bytes(kDigits)), 0xE3069283U);
    EXPECT_EQ(extend_crc(Crc::crc64nvme, 0, as_bytes(kDigits)), 0xAE8B14860A799888U);
    EXPECT_EQ(sum(ChecksumAlgorithm::crc32, kDigits), "y/Q5Jg==");
    EXPECT_EQ(sum(ChecksumAlgorithm::crc32c, kDigits), "4waSgw==");
    EXPECT_EQ(sum(ChecksumAlgorithm::crc64nvme, kDigits), "rosUhgp5mIg=");
    EXPECT_EQ(sum(ChecksumAlgorithm::sha1, "abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    EXPECT_EQ(sum(ChecksumAlgorithm::sha256, "abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST(FolderChecksum, combines_crcs_of_two_parts_split_anywhere) {
    SeededRandom random{7};
    Bytes bytes(5000);
    random.fill(std::as_writable_bytes(std::span{bytes}));
    const BytesView all{bytes};
    for (const auto which : {Crc::crc32, Crc::crc32c, Crc::crc64nvme}) {
        const auto whole = extend_crc(which, 0, all);
        for (const std::size_t cut : {0U, 1U, 7U, 8U, 9U, 2500U, 4999U, 5000U}) {
            const auto a = extend_crc(which, 0, all.first(cut));
            const auto b = extend_crc(which, 0, all.subspan(cut));
            EXPECT_EQ(join_crcs(which, a, b, all.size() - cut), whole) << "cut at " << cut;
            EXPECT_EQ(extend_crc(which, a, all.subspan(cut)), whole) << "cut at " << cut;
        }
    }
}

TEST(FolderChecksum, accepts_names_in_any_case_and_values_of_the_right_length) {
    EXPECT_EQ(parse_checksum_algorithm("crc64nvme"), ChecksumAlgorithm::crc64nvme);
    EXPECT_EQ(parse_checksum_algorithm("SHA256"), ChecksumAlgorithm::sha256);
    EXPECT_EQ(parse_checksum_algorithm("md5"), std::nullopt);
    EXPECT_TRUE(is_checksum(ChecksumAlgorithm::crc32, "y/Q5Jg=="));
    EXPECT_FALSE(is_checksum(ChecksumAlgorithm::sha256, "y/Q5Jg=="));
    EXPECT_FALSE(is_checksum(ChecksumAlgorithm::crc32, "not base64"));
}

}  // namespace
}  // namespace photogate::storage::builtin

#include "signer/signing_key.hpp"

#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "signer/amz_date.hpp"

namespace photogate::signer {
namespace {

const Credentials kDocumented{"AKIDEXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
                              std::nullopt};

TEST(SigningKey, matches_sigv4_documentation) {
    // AWS General Reference, "Examples of how to derive a signing key": IAM, 30 August 2015.
    const SigningKeyCache keys{kDocumented, *parse_region("us-east-1"), "iam"};
    const auto key = keys.at(*parse_amz_date("20150830T123600Z"));
    EXPECT_EQ(key->scope, "20150830/us-east-1/iam/aws4_request");
    EXPECT_EQ(key->credential, "AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request");
    EXPECT_EQ(key->sign("AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
                        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"),
              "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(SigningKey, is_derived_once_per_day) {
    const SigningKeyCache keys{kDocumented, *parse_region("us-east-1"), "s3"};
    const auto morning = keys.at(*parse_amz_date("20261120T000000Z"));
    const auto evening = keys.at(*parse_amz_date("20261120T235959Z"));
    EXPECT_EQ(&*morning, &*evening);
    const auto tomorrow = keys.at(*parse_amz_date("20261121T000000Z"));
    EXPECT_NE(&*morning, &*tomorrow);
    EXPECT_EQ(morning->scope, "20261120/us-east-1/s3/aws4_request");
    EXPECT_EQ(tomorrow->scope, "20261121/us-east-1/s3/aws4_request");
}

TEST(SigningKey, differs_by_day_for_thousands_of_days) {
    const SigningKeyCache keys{kDocumented, *parse_region("us-east-1"), "s3"};
    std::set<std::string> signatures;
    const auto start = *parse_amz_date("20000101T120000Z");
    for (int pass = 0; pass < 2; ++pass) {
        for (int day = 0; day < 1000; ++day) {
            const auto at = start + std::chrono::days{day};
            const auto key = keys.at(at);
            ASSERT_EQ(key->scope.substr(0, 8), AmzDate{at}.day());
            signatures.insert(key->sign("x"));
        }
    }
    EXPECT_EQ(signatures.size(), 1000U);
}

TEST(SigningKey, is_correct_for_threads_sharing_a_slot) {
    const SigningKeyCache keys{kDocumented, *parse_region("us-east-1"), "s3"};
    const auto start = *parse_amz_date("20261120T120000Z");
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 2000; ++i) {
                const auto at = start + std::chrono::days{16 * ((i + static_cast<int>(t)) % 5)};
                wrong[t] += keys.at(at)->scope.substr(0, 8) != AmzDate{at}.day();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace photogate::signer

#include "gateway/s3/offered.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

std::string judged(std::string_view name, std::string_view value,
                   Operation operation = Operation::put_object) {
    const auto offered = check_offered(name, value, {operation, false});
    return offered ? "" : std::string{to_string(offered.error().code)};
}

TEST(Offered, knows_every_header_that_it_lets_pass) {
    for (const auto* name : {"content-type", "Date", "x-amz-date", "X-Amz-Content-Sha256",
                             "x-amz-meta-anything", "x-amz-tagging", "x-amz-checksum-crc32",
                             "x-amz-sdk-checksum-algorithm", "x-amz-user-agent", "amz-sdk-request"})
        EXPECT_EQ(judged(name, "x"), "") << name;
    for (const auto* name : {"x-amz-new-header", "x-amz-mfa", "x-amz-write-offset-bytes",
                             "x-amz-rename-source", "X-Minio-Anything"})
        EXPECT_EQ(judged(name, "x"), "NotImplemented") << name;
}

TEST(Offered, accepts_only_values_that_are_true_of_the_store) {
    EXPECT_EQ(judged("x-amz-acl", "private"), "");
    EXPECT_EQ(judged("X-AMZ-ACL", "bucket-owner-full-control"), "");
    EXPECT_EQ(judged("x-amz-acl", "PRIVATE"), "NotImplemented");
    EXPECT_EQ(judged("acl", "public-read", Operation::post_form), "NotImplemented");
    EXPECT_EQ(judged("x-amz-storage-class", "REDUCED_REDUNDANCY"), "");
    EXPECT_EQ(judged("x-amz-storage-class", "DEEP_ARCHIVE"), "NotImplemented");
    EXPECT_EQ(judged("x-amz-object-lock-legal-hold", "ON"), "NotImplemented");
}

TEST(Offered, accepts_headers_of_an_operation_only_there) {
    EXPECT_EQ(judged("x-amz-copy-source", "/b/k", Operation::copy_object), "");
    EXPECT_EQ(judged("x-amz-copy-source", "/b/k", Operation::create_upload), "NotImplemented");
    EXPECT_EQ(judged("x-amz-copy-source-server-side-encryption-customer-key", "k", Operation::copy_object),
              "NotImplemented");
    EXPECT_EQ(judged("x-amz-object-attributes", "ETag", Operation::get_object_attributes), "");
    EXPECT_EQ(judged("x-amz-object-attributes", "ETag", Operation::get_object), "NotImplemented");
    EXPECT_EQ(judged("x-amz-if-match-size", "1", Operation::delete_object), "NotImplemented");
    EXPECT_EQ(judged("x-amz-if-match-initiated-time", "x", Operation::abort_upload), "");
}

TEST(Offered, names_the_header_and_what_to_do) {
    const auto refused =
        check_offered("x-amz-server-side-encryption", "AES256", {Operation::put_object, false});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("x-amz-server-side-encryption"), std::string::npos);
    EXPECT_NE(refused.error().message.find("store.encrypted_disk"), std::string::npos);
    EXPECT_TRUE(check_offered("x-amz-server-side-encryption", "AES256", {Operation::put_object, true}));
    EXPECT_FALSE(
        check_offered("x-amz-server-side-encryption-aws-kms-key-id", "k", {Operation::put_object, true}));
}

}  // namespace
}  // namespace photogate::gateway::s3

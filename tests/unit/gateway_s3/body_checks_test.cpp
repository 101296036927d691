#include "gateway/s3/body_checks.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::s3 {
namespace {

struct Sent {
    http::RequestHead head;
    signer::VerifiedRequest verified;

    Sent(std::vector<http::HeaderField> headers, std::uint64_t length,
         std::string payload = "UNSIGNED-PAYLOAD") {
        for (const auto& [name, value] : headers)
            head.headers.add(name, value);
        head.headers.add("Content-Length", std::to_string(length));
        if (length > 0) head.framing = http::LengthBody{length};
        verified.payload_hash = std::move(payload);
    }
    std::optional<Code> promise_fault() const {
        const auto promise = read_promise(head, verified);
        return promise ? std::nullopt : std::optional{promise.error().code};
    }
    S3Result<std::optional<Checksum>> take(std::string_view body) const {
        BodyChecks checks{read_promise(head, verified).value()};
        std::string object;
        for (const char c : body) {
            const auto piece = checks.take(std::string(1, c));
            if (!piece) return refuse(piece.error());
            object += *piece;
        }
        const auto checksum = checks.end();
        if (!checksum) return refuse(checksum.error());
        Digests found{base64(signer::md5(as_bytes(object))), base64(signer::sha256(object)), std::nullopt};
        if (const auto algorithm = checks.promise().algorithm()) {
            storage::builtin::ChecksumStream stream{*algorithm};
            stream.update(as_bytes(object));
            found.checksum = stream.finish();
        }
        if (auto kept = checks.hold(found, *checksum); !kept) return refuse(kept.error());
        return checksum;
    }
    std::optional<Code> fault(std::string_view body) const {
        const auto taken = take(body);
        return taken ? std::nullopt : std::optional{taken.error().code};
    }
};

TEST(BodyChecks, enforces_each_checksum) {
    for (const auto& [name, value] : std::vector<http::HeaderField>{
             {"x-amz-checksum-crc32", "y/Q5Jg=="},
             {"x-amz-checksum-crc32c", "4waSgw=="},
             {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
             {"x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
             {"x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
             {"Content-MD5", "JfntNFRzynFUyWX0+x5EZg=="}}) {
        const Sent sent{{{name, value}}, 9};
        if (name == "Content-MD5") {
            EXPECT_EQ(sent.fault("123456788"), Code::BadDigest);
            continue;
        }
        const auto taken = sent.take("123456789");
        ASSERT_TRUE(taken) << name << taken.error().message;
        EXPECT_EQ((*taken)->value, value);
        EXPECT_EQ(sent.fault("123456788"), Code::BadDigest) << name;
    }
}

TEST(BodyChecks, enforces_signed_payload_hash_and_length) {
    const Sent sent{{}, 9, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"};
    EXPECT_EQ(sent.fault("123456789"), std::nullopt);
    EXPECT_EQ(sent.fault("123456780"), Code::XAmzContentSHA256Mismatch);
    EXPECT_EQ(sent.fault("12345678"), Code::IncompleteBody);
}

TEST(BodyChecks, rejects_contradictory_headers_before_the_body) {
    EXPECT_EQ((Sent{{{"Content-MD5", "abc"}}, 9}.promise_fault()), Code::InvalidDigest);
    EXPECT_EQ((Sent{{{"x-amz-checksum-crc32", "AAAA"}}, 9}.promise_fault()), Code::InvalidRequest);
    EXPECT_EQ((Sent{{{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-crc32c", "4waSgw=="}}, 9}
                   .promise_fault()),
              Code::InvalidRequest);
    EXPECT_EQ((Sent{{}, 9, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}.promise_fault()),
              Code::MissingContentLength);
    EXPECT_EQ((Sent{{{"x-amz-decoded-content-length", "-1"}}, 9, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
                   .promise_fault()),
              Code::InvalidArgument);
    Sent endless{{}, 0};
    endless.head.framing = http::ChunkedBody{};
    EXPECT_EQ(endless.promise_fault(), Code::MissingContentLength);
}

TEST(BodyChecks, accepts_checksum_in_trailer) {
    const Sent sent{{{"x-amz-decoded-content-length", "9"}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
                    60,
                    "STREAMING-UNSIGNED-PAYLOAD-TRAILER"};
    EXPECT_EQ(sent.take("9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n")->value().value,
              "y/Q5Jg==");
    EXPECT_EQ(sent.fault("9\r\n123456788\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"), Code::BadDigest);
    EXPECT_EQ(sent.fault("9\r\n123456789\r\n0\r\n\r\n"), Code::InvalidRequest);
}

}  // namespace
}  // namespace photogate::gateway::s3

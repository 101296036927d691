// Tampered and replayed URLs, games with keys, bodies that are not what was promised.
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

class BadInput : public Store {
  protected:
    const Wanted put_{.method = "PUT", .key = "u/a"};
    /// The bucket is empty.
    void expect_nothing() {
        EXPECT_EQ(element(ask("worker", {.query = {{"list-type", "2"}}}), "KeyCount"), "0");
    }
};

TEST_F(BadInput, rejects_headers_that_a_presigned_url_does_not_sign) {
    ask("worker", {.method = "PUT", .key = "secret", .body = "secret"});
    for (const auto& [name, value] :
         std::vector<HeaderField>{{"x-amz-copy-source", "/incoming/secret"},
                                  {"X-Amz-Copy-Source", "/incoming/secret"},
                                  {"x-amz-meta-a", "1"},
                                  {"x-amz-acl", "public-read"},
                                  {"x-amz-tagging", "a=b"},
                                  {"x-amz-object-lock-mode", "COMPLIANCE"},
                                  {"X-Minio-Source-Mtime", "2020-01-01T00:00:00Z"}}) {
        const Answer answer = send(request("PUT", presigned("signer", put_), {{name, value}}, "x"));
        EXPECT_EQ(answer.status, 403) << name;
        EXPECT_EQ(code_of(answer), "AccessDenied") << name;
    }
    EXPECT_EQ(code_of(ask("worker", {.key = "u/a"})), "NoSuchKey");
}

TEST_F(BadInput, rejects_tampered_url) {
    std::string target = presigned("signer", put_);
    EXPECT_EQ(code_of(send(request("GET", target, {}, ""))), "SignatureDoesNotMatch");
    EXPECT_EQ(code_of(send(request("PUT", target + "&partNumber=1&uploadId=x", {}, "x"))),
              "SignatureDoesNotMatch");
    std::string other = target;
    other.replace(other.find("u/a"), 3, "u/b");
    EXPECT_EQ(code_of(send(request("PUT", other, {}, "x"))), "SignatureDoesNotMatch");
    other = target;
    other.replace(other.find("X-Amz-Expires=60"), 16, "X-Amz-Expires=61");
    EXPECT_EQ(code_of(send(request("PUT", other, {}, "x"))), "SignatureDoesNotMatch");
    other = target.substr(0, target.find("&X-Amz-Signature="));
    EXPECT_EQ(code_of(send(request("PUT", other, {}, "x"))), "AuthorizationQueryParametersError");
    EXPECT_EQ(code_of(send(request("PUT", "/incoming/u/a", {}, "x"))), "AccessDenied");
    EXPECT_EQ(code_of(send(request("PUT", presigned("nobody", put_), {}, "x"))), "InvalidAccessKeyId");
    expect_nothing();
}

TEST_F(BadInput, enforces_signed_length_type_and_checksum) {
    const std::string crc = "y/Q5Jg==";  // of 123456789
    const Wanted sealed{.method = "PUT",
                        .key = "u/a",
                        .headers = {{"Content-Length", "9"},
                                    {"Content-Type", "image/png"},
                                    {"If-None-Match", "*"},
                                    {"x-amz-checksum-crc32", crc}}};
    const std::string target = presigned("signer", sealed);
    const auto with = [&](std::size_t index, const std::string& value) {
        auto headers = sealed.headers;
        headers[index].value = value;
        return headers;
    };
    EXPECT_EQ(code_of(send(request("PUT", target, with(0, "8"), "12345678"))), "SignatureDoesNotMatch");
    EXPECT_EQ(code_of(send(request("PUT", target, with(1, "text/html"), "123456789"))),
              "SignatureDoesNotMatch");
    EXPECT_EQ(code_of(send(request("PUT", target, sealed.headers, "123456780"))), "BadDigest");
    auto without = sealed.headers;
    without.pop_back();
    EXPECT_EQ(code_of(send(request("PUT", target, without, "123456789"))), "AccessDenied");
    expect_nothing();
    EXPECT_EQ(send(request("PUT", target, sealed.headers, "123456789")).status, 200);
    // The same again is the repeat of a client that lost the answer.
    EXPECT_EQ(send(request("PUT", target, sealed.headers, "123456789")).status, 200);
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(BadInput, stores_nothing_when_the_body_differs_from_its_promise) {
    EXPECT_EQ(code_of(send(request("PUT", presigned("signer", put_),
                                   {{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}}, "x"))),
              "BadDigest");
    EXPECT_EQ(code_of(send(request("PUT", presigned("signer", put_), {{"Content-MD5", "nonsense"}}, "x"))),
              "InvalidDigest");
    EXPECT_EQ(code_of(send(request("PUT", presigned("signer", put_), {{"Transfer-Encoding", "chunked"}},
                                   "1\r\nx\r\n0\r\n\r\n"))),
              "MissingContentLength");
    EXPECT_EQ(code_of(send("PUT " + presigned("signer", put_) + " HTTP/1.1\r\nHost: " + host() + "\r\n\r\n")),
              "MissingContentLength");
    const std::string hash = hex_lower(signer::sha256("other"));
    signer::HeaderSignRequest lying{
        .method = "PUT", .address = address(put_), .payload_sha256 = hash, .at = clock.now()};
    const auto made = signer_of("signer").sign_headers(lying).value();
    EXPECT_EQ(code_of(send(request("PUT", "/incoming/u/a", made.headers, "x"))), "XAmzContentSHA256Mismatch");
    expect_nothing();
    EXPECT_TRUE(events().empty());
}

TEST_F(BadInput, stores_nothing_when_the_body_breaks_off) {
    {
        RawClient client = connect();
        client.send("PUT " + presigned("signer", put_) + " HTTP/1.1\r\nHost: " + host() +
                    "\r\nContent-Length: 1000000\r\n\r\n" + std::string(500'000, 'x'));
    }
    while (server->stats().connections > 0)
        std::this_thread::yield();
    expect_nothing();
}

TEST_F(BadInput, aborts_endless_body_with_an_s3_error) {
    RawClient client = connect();
    auto answer = client.ask("PUT " + presigned("signer", put_) + " HTTP/1.1\r\nHost: " + host() +
                             "\r\nContent-Length: 1000000\r\n\r\nabc");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 400);
    EXPECT_EQ(code_of(*answer), "RequestTimeout");
    EXPECT_TRUE(client.at_end());
    expect_nothing();
}

TEST_F(BadInput, rejects_before_body_without_100_continue) {
    RawClient client = connect();
    auto answer = client.ask(
        "PUT /incoming/u/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000000\r\nExpect: "
        "100-continue\r\n\r\n");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 403);
    ask("worker", {.method = "PUT", .key = "u/a", .body = "x"});
    const Wanted once{.method = "PUT", .key = "u/a", .headers = {{"If-None-Match", "*"}}};
    RawClient late = connect();
    answer = late.ask("PUT " + presigned("signer", once) + " HTTP/1.1\r\nHost: " + host() +
                      "\r\nIf-None-Match: *\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(answer->status, 412);
}

TEST_F(BadInput, rejects_oversized_object_immediately) {
    const Answer large = send("PUT " + presigned("signer", put_) + " HTTP/1.1\r\nHost: " + host() +
                              "\r\nContent-Length: 5368709121\r\n\r\n");
    EXPECT_EQ(code_of(large), "EntityTooLarge");
    EXPECT_EQ(code_of(send("PUT " + presigned("signer", put_) + " HTTP/1.1\r\nHost: " + host() +
                           "\r\nContent-Length: 99999999999999\r\n\r\n")),
              "EntityTooLarge");
}

TEST_F(BadInput, answers_malformed_heads_with_s3_error_documents) {
    const Answer broken =
        send("PUT /incoming/u/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(broken.status, 400);
    EXPECT_EQ(broken.header("Content-Type"), "application/xml");
    EXPECT_EQ(code_of(broken), "InvalidRequest");
    EXPECT_EQ(code_of(send("PATCH /incoming/u/a HTTP/1.1\r\nHost: h\r\n\r\n")), "MethodNotAllowed");
}

TEST_F(BadInput, rejects_skewed_clock_and_expired_url) {
    signer::HeaderSignRequest late{.method = "GET",
                                   .address = address({.key = "u/a"}),
                                   .payload_sha256 = "UNSIGNED-PAYLOAD",
                                   .at = clock.now() - std::chrono::minutes{16}};
    auto made = signer_of("worker").sign_headers(late).value();
    EXPECT_EQ(code_of(send(request("GET", "/incoming/u/a", made.headers, ""))), "RequestTimeTooSkewed");
    signer::PresignRequest old{.method = "GET",
                               .address = address({.key = "u/a"}),
                               .expires = std::chrono::seconds{60},
                               .at = clock.now() - std::chrono::minutes{2}};
    const std::string url = signer_of("worker").presign(old).value().url;
    const Answer expired = send(request("GET", url.substr(url.find('/', 8)), {}, ""));
    EXPECT_EQ(code_of(expired), "AccessDenied");
    EXPECT_EQ(element(expired, "Message"), "Request has expired");
    const signer::Signer elsewhere{{"worker", Secret{"worker-secret"}, {}}, Region::trusted("eu-west-1")};
    late.at = clock.now();
    made = elsewhere.sign_headers(late).value();
    EXPECT_EQ(code_of(send(request("GET", "/incoming/u/a", made.headers, ""))),
              "AuthorizationHeaderMalformed");
}

TEST_F(BadInput, allows_signer_only_puts_under_its_prefix) {
    ask("worker", {.method = "PUT", .key = "u/a", .body = "x"});
    for (const Wanted& wanted :
         std::vector<Wanted>{{.key = "u/a"},
                             {.method = "HEAD", .key = "u/a"},
                             {.method = "DELETE", .key = "u/a"},
                             {.query = {{"list-type", "2"}}},
                             {.query = {{"location", ""}}},
                             {.bucket = ""},
                             {.method = "PUT", .key = "x/u/a", .body = "x"},
                             {.method = "PUT", .key = "u/a", .body = "x", .bucket = "public"},
                             {.method = "PUT", .bucket = "mine"},
                             {.method = "DELETE"},
                             {.method = "POST",
                             .query = {{"delete", ""}},
                             .body = "<Delete><Object><Key>u/a</Key></Object></Delete>"},
                             {.key = "u/a", .query = {{"tagging", ""}}},
                             {.method = "POST", .key = "v/a", .query = {{"uploads", ""}}}}) {
        const Answer answer = ask("signer", wanted);
        EXPECT_EQ(answer.status, 403) << wanted.method << " " << wanted.key;
        if (wanted.method != "HEAD") {
            EXPECT_EQ(code_of(answer), "AccessDenied");
        }
    }
    EXPECT_EQ(ask("worker", {.key = "u/a"}).body, "x");
}

}  // namespace
}  // namespace photogate::gateway::s3::test

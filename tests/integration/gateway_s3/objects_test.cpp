// Objects put, read, listed and removed, as clients do it.
#include "base/ascii.hpp"
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

class Objects : public Store {};

TEST_F(Objects, stores_presigned_put_and_notifies_the_gateway) {
    const std::string body(700'000, 'p');
    const Wanted put{.method = "PUT", .key = "u/a b+c.jpg", .headers = {{"Content-Type", "image/jpeg"}}};
    const Answer made = send(request("PUT", presigned("signer", put), put.headers, body));
    EXPECT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(made.header("ETag"), '"' + hex_lower(signer::md5(as_bytes(body))) + '"');
    EXPECT_NE(made.header("x-amz-request-id"), "");
    EXPECT_EQ(events(), std::vector<std::string>{"s3:ObjectCreated:Put u/a b+c.jpg"});

    const Answer got = ask("worker", {.key = "u/a b+c.jpg"});
    EXPECT_EQ(got.status, 200);
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.header("Content-Type"), "image/jpeg");
    EXPECT_EQ(got.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(got.header("Cache-Control"), "");
    EXPECT_EQ(got.header("ETag"), made.header("ETag"));
    const Answer head = ask("worker", {.method = "HEAD", .key = "u/a b+c.jpg"});
    EXPECT_EQ(head.header("Content-Length"), "700000");
}

TEST_F(Objects, returns_metadata_and_headers) {
    EXPECT_EQ(ask("worker", {.method = "PUT",
                             .key = "u/m",
                             .headers = {{"x-amz-meta-Order", "42"},
                                         {"x-amz-meta-name", "caf\xc3\xa9"},
                                         {"Cache-Control", "max-age=5"},
                                         {"Content-Encoding", "gzip"}},
                             .body = "x"})
                  .status,
              200);
    const Answer got = ask("worker", {.key = "u/m"});
    EXPECT_EQ(got.header("x-amz-meta-order"), "42");
    EXPECT_EQ(got.header("x-amz-meta-name"), "=?UTF-8?B?Y2Fmw6k=?=");
    EXPECT_EQ(got.header("Cache-Control"), "max-age=5");
    EXPECT_EQ(got.header("Content-Encoding"), "gzip");
    EXPECT_EQ(code_of(ask("worker", {.method = "PUT",
                                     .key = "u/m",
                                     .headers = {{"x-amz-meta-a", std::string(2'100, 'x')}},
                                     .body = "x"})),
              "MetadataTooLarge");
}

TEST_F(Objects, serves_ranges_and_conditions) {
    const std::string tag = ask("worker", {.method = "PUT", .key = "r", .body = "0123456789"}).header("ETag");
    const auto ranged = [&](const std::string& range) {
        return ask("worker", {.key = "r", .headers = {{"Range", range}}});
    };
    EXPECT_EQ(ranged("bytes=2-4").body, "234");
    EXPECT_EQ(ranged("bytes=2-4").status, 206);
    EXPECT_EQ(ranged("bytes=2-4").header("Content-Range"), "bytes 2-4/10");
    EXPECT_EQ(ranged("bytes=7-").body, "789");
    EXPECT_EQ(ranged("bytes=-3").body, "789");
    EXPECT_EQ(ranged("bytes=-99").body, "0123456789");
    EXPECT_EQ(ranged("bytes=5-99").body, "56789");
    EXPECT_EQ(code_of(ranged("bytes=10-")), "InvalidRange");
    EXPECT_EQ(ranged("bytes=10-").status, 416);
    EXPECT_EQ(ranged("bytes=1-2,4-5").status, 200);
    EXPECT_EQ(ranged("lines=1-2").status, 200);
    EXPECT_EQ(ranged("bytes=99999999999999999999999-").status, 416);

    const auto with = [&](const std::string& name, const std::string& value) {
        return ask("worker", {.key = "r", .headers = {{name, value}}});
    };
    EXPECT_EQ(with("If-Match", tag).status, 200);
    EXPECT_EQ(code_of(with("If-Match", "\"other\"")), "PreconditionFailed");
    EXPECT_EQ(with("If-None-Match", tag).status, 304);
    EXPECT_EQ(with("If-None-Match", tag).body, "");
    EXPECT_EQ(with("If-None-Match", "\"other\"").status, 200);
    EXPECT_EQ(with("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT").status, 200);
    EXPECT_EQ(with("If-Modified-Since", "Fri, 06 Nov 2099 08:49:37 GMT").status, 304);
    EXPECT_EQ(with("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT").status, 412);
}

TEST_F(Objects, overrides_response_headers_by_signed_query) {
    ask("worker", {.method = "PUT", .key = "o", .headers = {{"Content-Type", "image/png"}}, .body = "x"});
    const Answer got = send(request(
        "GET", presigned("worker", {.key = "o", .query = {{"response-content-disposition", "attachment"}}}),
        {}, ""));
    EXPECT_EQ(got.header("Content-Disposition"), "attachment");
    EXPECT_EQ(got.header("Content-Type"), "image/png");
    EXPECT_EQ(code_of(send(request(
                  "GET", presigned("worker", {.key = "o"}) + "&response-content-type=text%2Fhtml", {}, ""))),
              "SignatureDoesNotMatch");
}

TEST_F(Objects, enforces_write_once_and_compare_and_swap) {
    const auto put = [&](std::vector<HeaderField> headers, const std::string& body = "x") {
        return ask("worker", {.method = "PUT", .key = "w", .headers = std::move(headers), .body = body});
    };
    EXPECT_EQ(code_of(put({{"If-Match", "\"0123456789abcdef0123456789abcdef\""}})), "NoSuchKey");
    EXPECT_EQ(put({{"If-None-Match", "*"}}).status, 200);
    EXPECT_EQ(code_of(put({{"If-None-Match", "*"}}, "y")), "PreconditionFailed");
    EXPECT_EQ(code_of(put({{"If-None-Match", "*"}}, "longer")), "PreconditionFailed");
    const std::string tag = ask("worker", {.method = "HEAD", .key = "w"}).header("ETag");
    EXPECT_EQ(put({{"If-Match", tag}}).status, 200);
    EXPECT_EQ(code_of(put({{"If-Match", "\"other\""}})), "PreconditionFailed");
    EXPECT_EQ(code_of(put({{"If-None-Match", "\"a\""}})), "NotImplemented");
}

TEST_F(Objects, answers_repeat_of_write_once_put_with_the_first_result) {
    const Wanted put{
        .method = "PUT",
        .key = "u/once",
        .headers = {{"If-None-Match", "*"}, {"Content-Type", "image/png"}, {"x-amz-meta-a", "1"}}};
    const std::string target = presigned("signer", put);
    const auto send_again = [&](const std::string& body) {
        return send(request("PUT", target, put.headers, body));
    };
    const Answer first = send_again("the photo");
    EXPECT_EQ(first.status, 200) << first.body;
    const std::string modified = ask("worker", {.method = "HEAD", .key = "u/once"}).header("Last-Modified");
    const Answer again = send_again("the photo");
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(again.header("ETag"), first.header("ETag"));
    EXPECT_EQ(again.header("x-amz-checksum-crc64nvme"), first.header("x-amz-checksum-crc64nvme"));
    EXPECT_EQ(events().size(), 1U);
    EXPECT_EQ(ask("worker", {.method = "HEAD", .key = "u/once"}).header("Last-Modified"), modified);
    // Another photo of the same length, and the same photo with other metadata.
    EXPECT_EQ(code_of(send_again("the PHOTO")), "PreconditionFailed");
    Wanted other = put;
    other.headers.back().value = "2";
    other.body = "the photo";
    EXPECT_EQ(code_of(ask("worker", other)), "PreconditionFailed");
    EXPECT_EQ(ask("worker", {.key = "u/once"}).body, "the photo");
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(Objects, lets_exactly_one_of_many_write_once_puts_win) {
    std::atomic<int> won{0}, lost{0};
    std::vector<std::thread> writers;
    for (int i = 0; i < 8; ++i) {
        writers.emplace_back([&, i] {
            const auto answer = ask("worker", {.method = "PUT",
                                               .key = "race",
                                               .headers = {{"If-None-Match", "*"}},
                                               .body = std::string(100'000, static_cast<char>('a' + i))});
            if (answer.status == 200) ++won;
            if (answer.status == 412) ++lost;
        });
    }
    for (auto& writer : writers)
        writer.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 7);
}

TEST_F(Objects, deletes_idempotently_and_in_batches) {
    for (const auto* key : {"d/1", "d/2", "d/<3>"})
        ask("worker", {.method = "PUT", .key = key, .body = "x"});
    EXPECT_EQ(ask("worker", {.method = "DELETE", .key = "d/1"}).status, 204);
    EXPECT_EQ(ask("worker", {.method = "DELETE", .key = "d/1"}).status, 204);
    EXPECT_EQ(code_of(ask("worker", {.key = "d/1"})), "NoSuchKey");
    const Answer removed =
        ask("worker", {.method = "POST",
                       .query = {{"delete", ""}},
                       .body = "<Delete><Object><Key>d/2</Key></Object><Object><Key>d/&lt;3&gt;</Key>"
                               "</Object><Object><Key>none</Key></Object></Delete>"});
    EXPECT_EQ(removed.status, 200) << removed.body;
    EXPECT_NE(removed.body.find("<Deleted><Key>d/&lt;3&gt;</Key></Deleted>"), std::string::npos)
        << removed.body;
    EXPECT_EQ(code_of(ask("worker", {.key = "d/2"})), "NoSuchKey");
    EXPECT_EQ(code_of(ask("worker", {.method = "POST", .query = {{"delete", ""}}, .body = "<Delete>"})),
              "MalformedXML");
    EXPECT_EQ(
        code_of(ask(
            "worker",
            {.method = "POST",
             .query = {{"delete", ""}},
             .body = "<!DOCTYPE a [<!ENTITY b \"c\">]><Delete><Object><Key>&b;</Key></Object></Delete>"})),
        "MalformedXML");
}

TEST_F(Objects, deletes_in_batches_only_what_matches_its_conditions) {
    const auto remove = [&](const std::string& inner) {
        return ask("worker", {.method = "POST",
                              .query = {{"delete", ""}},
                              .body = "<Delete><Object><Key>d</Key>" + inner + "</Object></Delete>"});
    };
    const std::string tag = ask("worker", {.method = "PUT", .key = "d", .body = "x"}).header("ETag");
    for (const auto& [inner, expected] : std::vector<std::pair<std::string, std::string>>{
             {"<ETag>\"0123456789abcdef0123456789abcdef\"</ETag>", "PreconditionFailed"},
             {"<Size>2</Size>", "PreconditionFailed"},
             {"<LastModifiedTime>Sun, 06 Nov 1994 08:49:37 GMT</LastModifiedTime>", "PreconditionFailed"},
             {"<VersionId>3HL4kqtJlcpXroDTDmJ</VersionId>", "NoSuchVersion"},
             {"<ETag></ETag>", "MalformedXML"},
             {"<Size>many</Size>", "MalformedXML"}}) {
        const Answer answer = remove(inner);
        EXPECT_EQ(code_of(answer), expected) << answer.body;
        EXPECT_EQ(answer.body.find("<Deleted>"), std::string::npos) << answer.body;
        EXPECT_EQ(ask("worker", {.key = "d"}).status, 200) << inner;
    }
    EXPECT_EQ(
        code_of(ask("worker", {.method = "DELETE", .key = "d", .headers = {{"x-amz-if-match-size", "2"}}})),
        "NotImplemented");
    const Answer gone = remove("<ETag>" + tag + "</ETag><VersionId>null</VersionId>");
    EXPECT_NE(gone.body.find("<Deleted><Key>d</Key>"), std::string::npos) << gone.body;
    EXPECT_EQ(ask("worker", {.key = "d"}).status, 404);
}

TEST_F(Objects, tells_old_signatures_and_other_regions_what_is_right) {
    for (const auto* target : {"/incoming/k?AWSAccessKeyId=worker&Expires=9999999999&Signature=abc%3D"}) {
        const Answer answer = send(request("GET", target, {}, ""));
        EXPECT_EQ(answer.status, 400);
        EXPECT_EQ(code_of(answer), "InvalidRequest");
        EXPECT_NE(answer.body.find("AWS4-HMAC-SHA256"), std::string::npos) << answer.body;
    }
    EXPECT_EQ(code_of(send(request("GET", "/incoming/k", {{"Authorization", "AWS worker:abc="}}, ""))),
              "InvalidRequest");
    signer::HeaderSignRequest wanted{.method = "GET"};
    wanted.address = address({.key = "k"});
    wanted.payload_sha256 = "UNSIGNED-PAYLOAD";
    wanted.at = clock.now();
    const signer::Signer elsewhere{{"worker", Secret{"worker-secret"}, {}}, Region::trusted("eu-central-1")};
    const Answer answer =
        send(request("GET", "/incoming/k", elsewhere.sign_headers(wanted).value().headers, ""));
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(element(answer, "Region"), "us-east-1");
    EXPECT_EQ(answer.header("x-amz-bucket-region"), "us-east-1");
}

TEST_F(Objects, refuses_checksums_that_it_cannot_verify) {
    for (const auto* name : {"x-amz-checksum-sha512", "x-amz-checksum-md5", "x-amz-checksum-xxhash64"})
        EXPECT_EQ(
            code_of(ask("worker", {.method = "PUT", .key = "k", .headers = {{name, "AAAA"}}, .body = "x"})),
            "InvalidRequest")
            << name;
    EXPECT_EQ(code_of(ask("worker", {.key = "k"})), "NoSuchKey");
}

TEST_F(Objects, names_the_type_of_the_grantee) {
    ask("worker", {.method = "PUT", .key = "k", .body = "x"});
    for (const auto* key : {"k", ""})
        EXPECT_NE(ask("worker", {.key = key, .query = {{"acl", ""}}}).body.find("xsi:type=\"CanonicalUser\""),
                  std::string::npos);
}

TEST_F(Objects, lists_by_prefix_and_delimiter_in_pages) {
    for (const auto* key : {"a/1", "a/2", "b c&d", "e//f", "g/x/1"})
        ask("worker", {.method = "PUT", .key = key, .body = "x"});
    const Answer rolled = ask("worker", {.query = {{"list-type", "2"}, {"delimiter", "/"}}});
    EXPECT_EQ(rolled.status, 200) << rolled.body;
    EXPECT_EQ(element(rolled, "KeyCount"), "4") << rolled.body;
    EXPECT_NE(rolled.body.find("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"), std::string::npos);
    EXPECT_NE(rolled.body.find("<Key>b c&amp;d</Key>"), std::string::npos);
    std::vector<std::string> keys;
    std::vector<signer::Parameter> query{{"list-type", "2"}, {"max-keys", "2"}, {"encoding-type", "url"}};
    for (int page = 0; page < 9; ++page) {
        const Answer answer = ask("worker", {.query = query});
        ASSERT_EQ(answer.status, 200) << answer.body;
        for (auto at = answer.body.find("<Key>"); at != std::string::npos;
             at = answer.body.find("<Key>", at + 1))
            keys.push_back(answer.body.substr(at + 5, answer.body.find("</Key>", at) - at - 5));
        if (element(answer, "IsTruncated") != "true") break;
        query = {{"list-type", "2"},
                 {"max-keys", "2"},
                 {"encoding-type", "url"},
                 {"continuation-token", element(answer, "NextContinuationToken")}};
    }
    EXPECT_EQ(keys, (std::vector<std::string>{"a/1", "a/2", "b%20c%26d", "e//f", "g/x/1"}));
    const Answer old = ask("worker", {.query = {{"max-keys", "2"}, {"marker", "a/1"}}});
    EXPECT_EQ(element(old, "NextMarker"), "b c&amp;d") << old.body;
    EXPECT_EQ(element(ask("worker", {.query = {{"versions", ""}, {"max-keys", "1"}}}), "VersionId"), "null");
    EXPECT_EQ(code_of(ask("worker", {.query = {{"list-type", "2"}, {"max-keys", "-1"}}})), "InvalidArgument");
    EXPECT_EQ(code_of(ask("admin", {.query = {{"list-type", "2"}}, .bucket = "missing"})), "NoSuchBucket");
}

TEST_F(Objects, requires_read_permission_on_the_copy_source) {
    ask("worker", {.method = "PUT", .key = "u/s", .headers = {{"x-amz-meta-a", "1"}}, .body = "source"});
    const std::vector<HeaderField> from{{"x-amz-copy-source", "/incoming/u%2Fs"}};
    const Answer copied = ask("worker", {.method = "PUT", .key = "c", .headers = from, .bucket = "public"});
    EXPECT_EQ(copied.status, 200) << copied.body;
    EXPECT_EQ(ask("worker", {.key = "c", .bucket = "public"}).body, "source");
    EXPECT_EQ(ask("worker", {.key = "c", .bucket = "public"}).header("x-amz-meta-a"), "1");
    EXPECT_EQ(code_of(ask("signer", {.method = "PUT", .key = "u/stolen", .headers = from})), "AccessDenied");
    EXPECT_EQ(code_of(ask("worker", {.method = "PUT", .key = "u/s", .headers = from})), "InvalidRequest");
    EXPECT_EQ(code_of(ask("worker", {.method = "PUT",
                                     .key = "c2",
                                     .headers = {{"x-amz-copy-source", "incoming/u/s"},
                                                 {"x-amz-copy-source-if-match", "\"other\""}}})),
              "PreconditionFailed");
    EXPECT_EQ(
        code_of(ask("worker",
                    {.method = "PUT", .key = "c2", .headers = {{"x-amz-copy-source", "/originals/x"}}})),
        "AccessDenied");
    EXPECT_EQ(ask("worker", {.method = "PUT",
                             .key = "u/s",
                             .headers = {{"x-amz-copy-source", "/incoming/u/s"},
                                         {"x-amz-metadata-directive", "REPLACE"},
                                         {"Content-Type", "text/x"}}})
                  .status,
              200);
    EXPECT_EQ(ask("worker", {.method = "HEAD", .key = "u/s"}).header("Content-Type"), "text/x");
}

TEST_F(Objects, answers_bucket_calls_and_unset_settings) {
    EXPECT_EQ(ask("admin", {.method = "PUT", .bucket = "fresh"}).status, 200);
    EXPECT_EQ(code_of(ask("admin", {.method = "PUT", .bucket = "fresh"})), "BucketAlreadyOwnedByYou");
    EXPECT_NE(ask("admin", {.bucket = ""}).body.find("<Name>fresh</Name>"), std::string::npos);
    EXPECT_EQ(code_of(ask("worker", {.bucket = ""})), "AccessDenied");
    EXPECT_EQ(ask("worker", {.method = "HEAD"}).status, 200);
    EXPECT_EQ(ask("admin", {.method = "HEAD", .bucket = "missing"}).status, 404);
    EXPECT_NE(ask("worker", {.query = {{"location", ""}}}).body.find("LocationConstraint"),
              std::string::npos);
    EXPECT_EQ(ask("worker", {.query = {{"versioning", ""}}}).status, 200);
    EXPECT_EQ(code_of(ask("worker", {.query = {{"policy", ""}}})), "NoSuchBucketPolicy");
    EXPECT_EQ(code_of(ask("worker", {.method = "PUT", .query = {{"policy", ""}}, .body = "{}"})),
              "NotImplemented");
    EXPECT_EQ(code_of(ask("worker", {.query = {{"cors", ""}}})), "NoSuchCORSConfiguration");
    EXPECT_EQ(code_of(ask("worker", {.query = {{"tagging", ""}}})), "NoSuchTagSet");
    EXPECT_EQ(code_of(ask("worker", {.query = {{"encryption", ""}}})),
              "ServerSideEncryptionConfigurationNotFoundError");
    ask("admin", {.method = "PUT", .key = "k", .body = "x", .bucket = "fresh"});
    EXPECT_EQ(code_of(ask("admin", {.method = "DELETE", .bucket = "fresh"})), "BucketNotEmpty");
    ask("admin", {.method = "DELETE", .key = "k", .bucket = "fresh"});
    EXPECT_EQ(ask("admin", {.method = "DELETE", .bucket = "fresh"}).status, 204);
    EXPECT_EQ(code_of(ask("worker", {.method = "DELETE"})), "AccessDenied");
}

TEST_F(Objects, lists_buckets_in_pages_by_prefix_and_region) {
    const auto names = [&](std::vector<signer::Parameter> query) {
        const Answer answer = ask("admin", {.query = std::move(query), .bucket = ""});
        std::string found = answer.status == 200 ? "" : code_of(answer);
        for (auto at = answer.body.find("<Name>"); at != std::string::npos;
             at = answer.body.find("<Name>", at + 1))
            found += answer.body.substr(at + 6, answer.body.find("</Name>", at) - at - 6) + " ";
        return std::pair{found, element(answer, "ContinuationToken")};
    };
    EXPECT_EQ(names({}).first, "incoming originals public ");
    const auto first = names({{"max-buckets", "2"}});
    EXPECT_EQ(first.first, "incoming originals ");
    ASSERT_NE(first.second, "");
    EXPECT_EQ(names({{"max-buckets", "2"}, {"continuation-token", first.second}}),
              (std::pair<std::string, std::string>{"public ", ""}));
    EXPECT_EQ(names({{"prefix", "o"}}).first, "originals ");
    EXPECT_EQ(names({{"bucket-region", "us-east-1"}, {"prefix", "p"}}).first, "public ");
    EXPECT_EQ(names({{"bucket-region", "eu-central-1"}}).first, "");
    EXPECT_EQ(names({{"max-buckets", "0"}}).first, "InvalidArgument");
    EXPECT_EQ(names({{"continuation-token", "?"}}).first, "InvalidArgument");
}

TEST_F(Objects, names_missing_payload_hash_and_date) {
    signer::HeaderSignRequest wanted{.method = "GET"};
    wanted.address = address({.key = "k"});
    wanted.payload_sha256 = "UNSIGNED-PAYLOAD";
    wanted.at = clock.now();
    const auto without = [&](const std::string& name) {
        auto headers = signer_of("worker").sign_headers(wanted).value().headers;
        std::erase_if(headers,
                      [&](const HeaderField& each) { return ascii::equals_ignoring_case(each.name, name); });
        return send(request("GET", "/incoming/k", headers, ""));
    };
    EXPECT_EQ(without("x-amz-content-sha256").status, 400);
    EXPECT_EQ(code_of(without("x-amz-content-sha256")), "InvalidRequest");
    EXPECT_NE(without("x-amz-content-sha256").body.find("x-amz-content-sha256"), std::string::npos);
    EXPECT_EQ(code_of(without("x-amz-date")), "AccessDenied");
}

TEST_F(Objects, answers_part_numbers_of_objects_as_s3) {
    ask("worker", {.method = "PUT", .key = "p", .body = "0123456789"});
    ask("worker", {.method = "PUT", .key = "empty"});
    const auto part = [&](const std::string& key, const std::string& number) {
        return ask("worker", {.key = key, .query = {{"partNumber", number}}});
    };
    EXPECT_EQ(part("p", "1").status, 206);
    EXPECT_EQ(part("p", "1").body, "0123456789");
    EXPECT_EQ(part("p", "2").status, 416);
    EXPECT_EQ(code_of(part("p", "2")), "InvalidPartNumber");
    EXPECT_EQ(code_of(part("p", "0")), "InvalidArgument");
    EXPECT_EQ(code_of(part("p", "x")), "InvalidArgument");
    EXPECT_EQ(code_of(part("missing", "-3")), "InvalidArgument") << "said before the key is looked for";
    EXPECT_EQ(ask("worker", {.method = "HEAD", .key = "missing", .query = {{"partNumber", "-3"}}}).status,
              400);
    EXPECT_EQ(part("empty", "1").status, 200);
    EXPECT_EQ(part("empty", "1").header("Content-Range"), "");
}

TEST_F(Objects, refuses_a_range_of_a_part) {
    ask("worker", {.method = "PUT", .key = "p", .body = "0123456789"});
    for (const char* method : {"GET", "HEAD"}) {
        const auto answer = ask("worker", {.method = method,
                                           .key = "p",
                                           .query = {{"partNumber", "1"}},
                                           .headers = {{"Range", "bytes=0-1"}}});
        EXPECT_EQ(answer.status, 400) << method;
        if (std::string_view{method} == "GET") {
            EXPECT_EQ(code_of(answer), "InvalidRequest");
        }
    }
}

TEST_F(Objects, accepts_bucket_in_host_name) {
    signer::HeaderSignRequest wanted{.method = "PUT"};
    wanted.address = {*parse_endpoint("http://store.test"), signer::AddressingStyle::virtual_host,
                      Bucket::trusted("incoming"), ObjectKey::trusted("u/v")};
    wanted.payload_sha256 = "UNSIGNED-PAYLOAD";
    wanted.at = clock.now();
    const auto made = signer_of("signer").sign_headers(wanted).value();
    std::string text = "PUT /u/v HTTP/1.1\r\nHost: incoming.store.test\r\nContent-Length: 1\r\n";
    for (const auto& [name, value] : made.headers)
        text += name + ": " + value + "\r\n";
    EXPECT_EQ(send(text + "\r\nx").status, 200);
    EXPECT_EQ(ask("worker", {.key = "u/v"}).body, "x");
}

TEST_F(Objects, answers_cors_preflight) {
    const Answer allowed = send(
        "OPTIONS /incoming/u/a HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\n"
        "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: "
        "content-type,x-amz-meta-a\r\n\r\n");
    EXPECT_EQ(allowed.status, 204);
    EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(allowed.header("Access-Control-Allow-Headers"), "content-type,x-amz-meta-a");
    const Answer refused = send(
        "PUT /incoming/u/a HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "*");
    EXPECT_NE(refused.header("Access-Control-Expose-Headers").find("ETag"), std::string::npos);
    // With a wildcard, since there is no other way to expose x-amz-meta-*.
    EXPECT_TRUE(refused.header("Access-Control-Expose-Headers").ends_with(", *"));
}

}  // namespace
}  // namespace photogate::gateway::s3::test

// What is asked for beside the bytes: tags, storage classes, checksums, encryption, CORS rules, attributes,
// limits.
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

class Settings : public Store {
  protected:
    Answer put(const std::string& key, std::vector<HeaderField> headers,
               const std::string& body = "x") const {
        return ask("worker", {.method = "PUT", .key = key, .headers = std::move(headers), .body = body});
    }
    Answer tagging(const std::string& method, const std::string& key, const std::string& body = {}) const {
        return ask("worker", {.method = method, .key = key, .query = {{"tagging", ""}}, .body = body});
    }
    static std::string tag(const std::string& key, const std::string& value) {
        return "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>";
    }
    static std::string tags(const std::string& inner) {
        return "<Tagging><TagSet>" + inner + "</TagSet></Tagging>";
    }
};

TEST_F(Settings, refuses_by_name_what_is_asked_for_and_not_done) {
    for (const auto& [name, value] :
         std::vector<HeaderField>{{"x-amz-acl", "public-read"},
                                  {"x-amz-grant-read", "uri=all"},
                                  {"x-amz-website-redirect-location", "/"},
                                  {"x-amz-object-lock-mode", "GOVERNANCE"},
                                  {"x-amz-storage-class", "GLACIER"},
                                  {"x-amz-server-side-encryption", "AES256"},
                                  {"x-amz-server-side-encryption-customer-key", "k"},
                                  {"x-amz-write-offset-bytes", "5"},
                                  {"x-amz-metadata-directive", "REPLACE"},
                                  {"x-amz-snowball-auto-extract", "true"},
                                  {"x-amz-of-tomorrow", "1"},
                                  {"x-minio-extract", "true"}}) {
        const Answer answer = put("n", {{name, value}});
        EXPECT_EQ(answer.status, 501) << name;
        EXPECT_EQ(code_of(answer), "NotImplemented") << name;
        EXPECT_NE(answer.body.find(name), std::string::npos) << answer.body;
    }
    EXPECT_EQ(code_of(ask("worker", {.key = "n"})), "NoSuchKey");
    // SDKs move headers into the query of a presigned URL.
    const Wanted in_query{.method = "PUT", .key = "u/n", .query = {{"x-amz-acl", "public-read"}}};
    EXPECT_EQ(code_of(send(request("PUT", presigned("signer", in_query), {}, "x"))), "NotImplemented");
    EXPECT_EQ(code_of(ask("admin", {.method = "PUT",
                                    .headers = {{"x-amz-bucket-object-lock-enabled", "true"}},
                                    .bucket = "locked"})),
              "NotImplemented");
    EXPECT_EQ(code_of(ask("admin", {.method = "HEAD", .bucket = "locked"})), "404");
}

TEST_F(Settings, accepts_what_is_true_anyway) {
    EXPECT_EQ(put("n", {{"x-amz-acl", "private"},
                        {"x-amz-object-lock-legal-hold", "OFF"},
                        {"x-amz-storage-class", "STANDARD"},
                        {"x-amz-request-payer", "requester"},
                        {"x-amz-expected-bucket-owner", "photogate"}})
                  .status,
              200);
    EXPECT_EQ(ask("admin", {.method = "PUT",
                            .headers = {{"x-amz-bucket-object-lock-enabled", "false"},
                                        {"x-amz-object-ownership", "BucketOwnerEnforced"}},
                            .bucket = "fresh"})
                  .status,
              200);
}

TEST_F(Settings, denies_requests_meant_for_another_owner) {
    EXPECT_EQ(code_of(put("n", {{"x-amz-expected-bucket-owner", "123456789012"}})), "AccessDenied");
    put("n", {});
    EXPECT_EQ(code_of(put("copy", {{"x-amz-copy-source", "/incoming/n"},
                                   {"x-amz-source-expected-bucket-owner", "123456789012"}})),
              "AccessDenied");
    EXPECT_EQ(code_of(ask("worker", {.key = "copy"})), "NoSuchKey");
}

TEST_F(Settings, keeps_tags_of_a_put_and_tells_their_number) {
    const std::string modified =
        put("t", {{"x-amz-tagging", "album=lake%20side&colour=%C3%A9"}}).header("ETag");
    EXPECT_EQ(ask("worker", {.key = "t"}).header("x-amz-tagging-count"), "2");
    EXPECT_EQ(ask("worker", {.method = "HEAD", .key = "t"}).header("x-amz-tagging-count"), "2");
    EXPECT_NE(tagging("GET", "t").body.find(tag("album", "lake side") + tag("colour", "\xc3\xa9")),
              std::string::npos);
    EXPECT_EQ(tagging("PUT", "t", tags(tag("a", "1"))).status, 200);
    EXPECT_EQ(ask("worker", {.key = "t"}).header("x-amz-tagging-count"), "1");
    EXPECT_EQ(ask("worker", {.key = "t"}).header("ETag"), modified);
    EXPECT_EQ(tagging("DELETE", "t").status, 204);
    EXPECT_EQ(ask("worker", {.key = "t"}).header("x-amz-tagging-count"), "");
    EXPECT_NE(tagging("GET", "t").body.find("<TagSet></TagSet>"), std::string::npos);
    EXPECT_EQ(code_of(tagging("PUT", "none", tags(""))), "NoSuchKey");
    EXPECT_EQ(code_of(tagging("DELETE", "none")), "NoSuchKey");
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(Settings, bounds_tags) {
    std::string eleven, header;
    for (int i = 0; i < 11; ++i) {
        eleven += tag("k" + std::to_string(i), "v");
        header += (i == 0 ? "k" : "&k") + std::to_string(i) + "=v";
    }
    put("t", {});
    for (const auto& [document, expected] : std::vector<std::pair<std::string, std::string>>{
             {tags(eleven), "BadRequest"},
             {tags(tag("", "v")), "InvalidTag"},
             {tags(tag(std::string(129, 'k'), "v")), "InvalidTag"},
             {tags(tag("k", std::string(257, 'v'))), "InvalidTag"},
             {tags(tag("k", "a") + tag("k", "b")), "InvalidTag"},
             {tags(tag("aws:k", "a")), "InvalidTag"},
             {tags(tag("k!", "a")), "InvalidTag"},
             {"<Tagging/>", "MalformedXML"},
             {tags("<Tag><Key>k</Key></Tag>"), "MalformedXML"},
             {"nonsense", "MalformedXML"},
             {tags(std::string(300'000, ' ')), "MaxMessageLengthExceeded"}}) {
        EXPECT_EQ(code_of(tagging("PUT", "t", document)), expected) << document.substr(0, 200);
    }
    EXPECT_EQ(code_of(put("u", {{"x-amz-tagging", header}})), "BadRequest");
    EXPECT_EQ(code_of(put("u", {{"x-amz-tagging", "a=1&a=2"}})), "InvalidArgument");
    EXPECT_EQ(code_of(put("u", {{"x-amz-tagging", "a=%zz"}})), "InvalidArgument");
    EXPECT_EQ(code_of(ask("worker", {.key = "u"})), "NoSuchKey");
    EXPECT_EQ(tagging("PUT", "t", tags(tag(std::string(128, 'k'), std::string(256, 'v')))).status, 200);
}

TEST_F(Settings, copies_tags_or_replaces_them) {
    put("t", {{"x-amz-tagging", "a=1"}});
    const auto copied = [&](std::vector<HeaderField> more) {
        more.push_back({"x-amz-copy-source", "/incoming/t"});
        EXPECT_EQ(put("copy", more, "").status, 200);
        return tagging("GET", "copy").body;
    };
    EXPECT_NE(copied({}).find(tag("a", "1")), std::string::npos);
    EXPECT_NE(copied({{"x-amz-tagging-directive", "REPLACE"}, {"x-amz-tagging", "b=2"}}).find(tag("b", "2")),
              std::string::npos);
    EXPECT_EQ(copied({{"x-amz-tagging-directive", "REPLACE"}}).find("<Tag>"), std::string::npos);
    EXPECT_EQ(code_of(put("copy", {{"x-amz-copy-source", "/incoming/t"}, {"x-amz-tagging-directive", "?"}})),
              "InvalidArgument");
}

TEST_F(Settings, gives_a_multipart_object_the_tags_of_its_upload) {
    const std::string upload = element(
        ask("worker", {.method = "POST",
                       .key = "m",
                       .query = {{"uploads", ""}},
                       .headers = {{"x-amz-tagging", "a=1"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}}),
        "UploadId");
    const std::string etag =
        ask("worker",
            {.method = "PUT", .key = "m", .query = {{"partNumber", "1"}, {"uploadId", upload}}, .body = "x"})
            .header("ETag");
    EXPECT_EQ(element(ask("worker", {.query = {{"uploads", ""}}}), "StorageClass"), "REDUCED_REDUNDANCY");
    ask("worker", {.method = "POST",
                   .key = "m",
                   .query = {{"uploadId", upload}},
                   .body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
                           "</ETag></Part></CompleteMultipartUpload>"});
    EXPECT_NE(tagging("GET", "m").body.find(tag("a", "1")), std::string::npos);
    EXPECT_EQ(ask("worker", {.key = "m"}).header("x-amz-storage-class"), "REDUCED_REDUNDANCY");
}

TEST_F(Settings, lets_the_signer_tag_nothing_that_is_there) {
    ask("worker", {.method = "PUT", .key = "u/t", .body = "x"});
    const auto by_signer = [&](const std::string& method) {
        return code_of(ask("signer", {.method = method,
                                      .key = "u/t",
                                      .query = {{"tagging", ""}},
                                      .body = method == "PUT" ? tags(tag("a", "1")) : ""}));
    };
    EXPECT_EQ(by_signer("PUT"), "AccessDenied");
    EXPECT_EQ(by_signer("DELETE"), "AccessDenied");
    EXPECT_EQ(by_signer("GET"), "AccessDenied");
    EXPECT_EQ(code_of(ask("signer", {.method = "PUT", .query = {{"cors", ""}}, .body = "x"})),
              "AccessDenied");
}

TEST_F(Settings, tells_storage_class_everywhere) {
    EXPECT_EQ(put("r", {{"x-amz-storage-class", "REDUCED_REDUNDANCY"}}).status, 200);
    put("s", {});
    EXPECT_EQ(ask("worker", {.key = "r"}).header("x-amz-storage-class"), "REDUCED_REDUNDANCY");
    EXPECT_EQ(ask("worker", {.key = "s"}).header("x-amz-storage-class"), "");
    const Answer listed = ask("worker", {.query = {{"list-type", "2"}}});
    EXPECT_NE(listed.body.find("<StorageClass>REDUCED_REDUNDANCY</StorageClass></Contents>"),
              std::string::npos)
        << listed.body;
    EXPECT_NE(listed.body.find("<StorageClass>STANDARD</StorageClass></Contents>"), std::string::npos);
    // A copy has the class that it asks for, also onto itself.
    EXPECT_EQ(put("r", {{"x-amz-copy-source", "/incoming/r"}}, "").status, 200);
    EXPECT_EQ(ask("worker", {.key = "r"}).header("x-amz-storage-class"), "");
    EXPECT_EQ(code_of(put("r", {{"x-amz-copy-source", "/incoming/r"}}, "")), "InvalidRequest");
}

TEST_F(Settings, shows_the_attributes_that_are_asked_for) {
    put("a", {{"x-amz-checksum-crc32", "y/Q5Jg=="}}, "123456789");
    const auto shown = [&](const std::string& wanted) {
        return ask(
            "worker",
            {.key = "a", .query = {{"attributes", ""}}, .headers = {{"x-amz-object-attributes", wanted}}});
    };
    const Answer all = shown("ETag,Checksum, ObjectParts,StorageClass,ObjectSize");
    EXPECT_EQ(all.status, 200) << all.body;
    EXPECT_EQ(element(all, "ETag"), hex_lower(signer::md5(as_bytes("123456789"))));
    EXPECT_EQ(element(all, "ChecksumCRC32"), "y/Q5Jg==");
    EXPECT_EQ(element(all, "ObjectSize"), "9");
    EXPECT_EQ(element(all, "StorageClass"), "STANDARD");
    EXPECT_EQ(all.body.find("ObjectParts"), std::string::npos);
    EXPECT_NE(all.header("Last-Modified"), "");
    EXPECT_EQ(shown("ObjectSize").body.find("ETag"), std::string::npos);
    EXPECT_EQ(code_of(shown("ETag,Colour")), "InvalidArgument");
    EXPECT_EQ(code_of(shown("")), "InvalidArgument");
    EXPECT_EQ(code_of(ask("worker", {.key = "none",
                                     .query = {{"attributes", ""}},
                                     .headers = {{"x-amz-object-attributes", "ETag"}}})),
              "NoSuchKey");
    EXPECT_EQ(code_of(ask("signer", {.key = "u/a",
                                     .query = {{"attributes", ""}},
                                     .headers = {{"x-amz-object-attributes", "ETag"}}})),
              "AccessDenied");
}

TEST_F(Settings, keeps_crc64nvme_where_no_checksum_is_named) {
    const Answer made = ask("worker", {.method = "PUT", .key = "c", .body = "123456789"});
    EXPECT_EQ(made.header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
    EXPECT_EQ(made.header("x-amz-checksum-type"), "FULL_OBJECT");
    const auto checked = [&](const std::string& key) {
        return ask("worker", {.key = key, .headers = {{"x-amz-checksum-mode", "ENABLED"}}});
    };
    EXPECT_EQ(checked("c").header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
    const Answer other = ask("worker", {.method = "PUT",
                                        .key = "d",
                                        .headers = {{"x-amz-checksum-crc32", "y/Q5Jg=="}},
                                        .body = "123456789"});
    EXPECT_EQ(other.header("x-amz-checksum-crc64nvme"), "");
    // A copy has the checksum that it asks for.
    const Answer copied = ask(
        "worker", {.method = "PUT",
                   .key = "e",
                   .headers = {{"x-amz-copy-source", "/incoming/c"}, {"x-amz-checksum-algorithm", "CRC32"}}});
    EXPECT_EQ(element(copied, "ChecksumCRC32"), "y/Q5Jg==") << copied.body;
    EXPECT_EQ(checked("e").header("x-amz-checksum-crc32"), "y/Q5Jg==");
    EXPECT_EQ(code_of(ask("worker", {.method = "PUT",
                                     .key = "e",
                                     .headers = {{"x-amz-copy-source", "/incoming/c"},
                                                 {"x-amz-checksum-algorithm", "MD4"}}})),
              "InvalidRequest");
}

TEST_F(Settings, holds_the_checksum_that_an_sdk_announces) {
    const auto put = [&](std::vector<HeaderField> headers) {
        headers.push_back({"x-amz-sdk-checksum-algorithm", "CRC32"});
        return code_of(ask("worker", {.method = "PUT", .key = "s", .headers = headers, .body = "123456789"}));
    };
    EXPECT_EQ(put({{"x-amz-checksum-crc32", "y/Q5Jg=="}}), "200");
    EXPECT_EQ(put({}), "InvalidRequest");
    EXPECT_EQ(put({{"x-amz-checksum-crc64nvme", "rosUhgp5mIg="}}), "InvalidRequest");
}

const std::string kRules =
    "<CORSConfiguration><CORSRule><ID>app</ID><AllowedOrigin>https://*.example</AllowedOrigin>"
    "<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-meta-*</AllowedHeader>"
    "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";

TEST_F(Settings, replaces_configured_origins_by_the_rules_of_a_bucket) {
    const auto rules = [&](const std::string& method, const std::string& body = {}) {
        return ask("worker", {.method = method, .query = {{"cors", ""}}, .body = body});
    };
    const auto preflight = [&](const std::string& origin, const std::string& method,
                               const std::string& headers) {
        return send("OPTIONS /incoming/u/a HTTP/1.1\r\nHost: h\r\nOrigin: " + origin +
                    "\r\nAccess-Control-Request-Method: " + method +
                    "\r\nAccess-Control-Request-Headers: " + headers + "\r\n\r\n");
    };
    EXPECT_EQ(rules("PUT", kRules).status, 200);
    EXPECT_NE(rules("GET").body.find("<AllowedOrigin>https://*.example</AllowedOrigin>"), std::string::npos);
    const Answer allowed = preflight("https://app.example", "PUT", "X-Amz-Meta-A");
    EXPECT_EQ(allowed.status, 200) << allowed.body;
    EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(allowed.header("Access-Control-Allow-Headers"), "X-Amz-Meta-A");
    EXPECT_EQ(allowed.header("Access-Control-Max-Age"), "60");
    EXPECT_EQ(code_of(preflight("https://app.example", "DELETE", "x-amz-meta-a")), "AccessForbidden");
    EXPECT_EQ(code_of(preflight("https://app.example", "PUT", "authorization")), "AccessForbidden");
    EXPECT_EQ(code_of(preflight("https://elsewhere", "PUT", "x-amz-meta-a")), "AccessForbidden");

    const auto from = [&](const std::string& origin) {
        return ask("worker", {.method = "PUT", .key = "k", .headers = {{"Origin", origin}}, .body = "x"});
    };
    EXPECT_EQ(from("https://app.example").header("Access-Control-Allow-Origin"), "https://app.example");
    EXPECT_EQ(from("https://app.example").header("Access-Control-Expose-Headers"), "ETag");
    EXPECT_EQ(from("https://elsewhere").header("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(from("https://elsewhere").status, 200);  // a browser decides; the signature is right
    // Another bucket keeps what is configured.
    EXPECT_EQ(ask("worker", {.key = "none", .headers = {{"Origin", "https://elsewhere"}}, .bucket = "public"})
                  .header("Access-Control-Allow-Origin"),
              "*");
    EXPECT_EQ(rules("DELETE").status, 204);
    EXPECT_EQ(code_of(rules("GET")), "NoSuchCORSConfiguration");
    EXPECT_EQ(preflight("https://elsewhere", "PUT", "x").header("Access-Control-Allow-Origin"), "*");
}

TEST_F(Settings, keeps_cors_rules_with_the_store_and_forgets_them_with_the_bucket) {
    ask("admin", {.method = "PUT", .bucket = "fresh"});
    EXPECT_EQ(
        ask("admin", {.method = "PUT", .query = {{"cors", ""}}, .body = kRules, .bucket = "fresh"}).status,
        200);
    const Service second{ServiceOptions{}, *objects, pool, clock};
    EXPECT_EQ(objects->buckets().documents("cors")->size(), 1U);
    EXPECT_EQ(ask("admin", {.method = "DELETE", .bucket = "fresh"}).status, 204);
    ask("admin", {.method = "PUT", .bucket = "fresh"});
    EXPECT_EQ(code_of(ask("admin", {.query = {{"cors", ""}}, .bucket = "fresh"})), "NoSuchCORSConfiguration");
    EXPECT_EQ(
        code_of(ask("admin", {.method = "PUT", .query = {{"cors", ""}}, .body = kRules, .bucket = "none"})),
        "NoSuchBucket");
}

TEST_F(Settings, keeps_tags_of_a_bucket) {
    const auto bucket_tags = [&](const std::string& method, const std::string& body = {}) {
        return ask("worker", {.method = method, .query = {{"tagging", ""}}, .body = body});
    };
    EXPECT_EQ(bucket_tags("PUT", tags(tag("team", "photos"))).status, 204);
    EXPECT_NE(bucket_tags("GET").body.find(tag("team", "photos")), std::string::npos);
    EXPECT_EQ(bucket_tags("DELETE").status, 204);
    EXPECT_EQ(code_of(bucket_tags("GET")), "NoSuchTagSet");
}

class EncryptedDisk : public Settings {
    void adjust(ServiceOptions& options) override { options.encrypted_disk = true; }
    void adjust(storage::builtin::FolderOptions&) override {}
};

TEST_F(EncryptedDisk, lets_aes256_be_asked_for_and_tells_it) {
    const Answer made = put("e", {{"x-amz-server-side-encryption", "AES256"}});
    EXPECT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(made.header("x-amz-server-side-encryption"), "AES256");
    EXPECT_EQ(ask("worker", {.key = "e"}).header("x-amz-server-side-encryption"), "AES256");
    EXPECT_EQ(code_of(put("e", {{"x-amz-server-side-encryption", "aws:kms"}})), "NotImplemented");
    EXPECT_EQ(element(ask("worker", {.query = {{"encryption", ""}}}), "SSEAlgorithm"), "AES256");
}

class LimitedBucket : public Settings {
    void adjust(ServiceOptions&) override {}
    void adjust(storage::builtin::FolderOptions& options) override {
        options.largest.emplace(Bucket::trusted("incoming"), 2'000);
    }
};

TEST_F(LimitedBucket, refuses_larger_objects_however_they_come) {
    const std::string fits(2'000, 'x'), larger(2'001, 'x');
    EXPECT_EQ(put("l", {}, fits).status, 200);
    const Answer refused = put("l2", {}, larger);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(code_of(refused), "EntityTooLarge");
    EXPECT_NE(refused.body.find("2000"), std::string::npos) << refused.body;
    EXPECT_EQ(ask("worker", {.method = "PUT", .key = "l", .body = larger, .bucket = "public"}).status, 200);
    EXPECT_EQ(code_of(put("l3", {{"x-amz-copy-source", "/public/l"}}, "")), "EntityTooLarge");

    const std::string upload =
        element(ask("worker", {.method = "POST", .key = "m", .query = {{"uploads", ""}}}), "UploadId");
    std::string document = "<CompleteMultipartUpload>";
    for (const auto* number : {"1", "2"}) {
        const Answer part = ask("worker", {.method = "PUT",
                                           .key = "m",
                                           .query = {{"partNumber", number}, {"uploadId", upload}},
                                           .body = std::string(1'500, 'x')});
        document += std::string{"<Part><PartNumber>"} + number + "</PartNumber><ETag>" + part.header("ETag") +
                    "</ETag></Part>";
    }
    EXPECT_EQ(code_of(ask("worker", {.method = "POST",
                                     .key = "m",
                                     .query = {{"uploadId", upload}},
                                     .body = document + "</CompleteMultipartUpload>"})),
              "EntityTooLarge");
    EXPECT_EQ(element(ask("worker", {.query = {{"list-type", "2"}}}), "KeyCount"), "1");
}

class OverTls : public Settings {
    void adjust(ServiceOptions& options) override { options.scheme = "https"; }
    void adjust(storage::builtin::FolderOptions&) override {}
};

TEST_F(OverTls, tells_locations_of_the_public_scheme) {
    const std::string upload =
        element(ask("worker", {.method = "POST", .key = "m", .query = {{"uploads", ""}}}), "UploadId");
    const std::string etag =
        ask("worker",
            {.method = "PUT", .key = "m", .query = {{"partNumber", "1"}, {"uploadId", upload}}, .body = "x"})
            .header("ETag");
    const Answer done =
        ask("worker", {.method = "POST",
                       .key = "m",
                       .query = {{"uploadId", upload}},
                       .body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
                               "</ETag></Part></CompleteMultipartUpload>"});
    EXPECT_TRUE(element(done, "Location").starts_with("https://127.0.0.1:")) << done.body;
}

}  // namespace
}  // namespace photogate::gateway::s3::test

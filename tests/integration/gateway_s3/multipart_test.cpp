// Multipart uploads over the wire.
#include "store.hpp"

namespace photogate::gateway::s3::test {
namespace {

class Multipart : public Store {
  protected:
    std::string begin(const std::string& key) const {
        return element(ask("signer", {.method = "POST", .key = key, .query = {{"uploads", ""}}}), "UploadId");
    }
    Answer put(const std::string& key, const std::string& upload, int number, const std::string& body,
               std::vector<HeaderField> headers = {}) const {
        return ask("signer", {.method = "PUT",
                              .key = key,
                              .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
                              .headers = std::move(headers),
                              .body = body});
    }
    Answer complete(const std::string& key, const std::string& upload,
                    const std::vector<std::pair<int, std::string>>& parts) const {
        std::string document = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        for (const auto& [number, etag] : parts)
            document += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
                        "</ETag></Part>";
        return ask("signer", {.method = "POST",
                              .key = key,
                              .query = {{"uploadId", upload}},
                              .body = document + "</CompleteMultipartUpload>"});
    }
};

TEST_F(Multipart, joins_parts_in_their_order) {
    const std::string upload = begin("u/m");
    ASSERT_NE(upload, "");
    const std::string one(400'000, '1'), two(300'000, '2'), three = "333";
    const std::string tag2 = put("u/m", upload, 2, two).header("ETag");
    const std::string tag1 = put("u/m", upload, 1, one).header("ETag");
    const std::string tag3 = put("u/m", upload, 7, three).header("ETag");
    const Answer listed = ask("worker", {.key = "u/m", .query = {{"uploadId", upload}, {"max-parts", "2"}}});
    EXPECT_EQ(element(listed, "IsTruncated"), "true") << listed.body;
    EXPECT_EQ(element(listed, "NextPartNumberMarker"), "2");
    EXPECT_NE(ask("worker", {.query = {{"uploads", ""}}}).body.find(upload), std::string::npos);
    const Answer done = complete("u/m", upload, {{1, tag1}, {2, tag2}, {7, tag3}});
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_TRUE(element(done, "ETag").ends_with("-3&#34;")) << done.body;
    EXPECT_TRUE(ask("worker", {.key = "u/m"}).body == one + two + three);
    EXPECT_EQ(ask("worker", {.key = "u/m", .headers = {{"Range", "bytes=399998-400001"}}}).body, "1122");
    EXPECT_EQ(ask("worker", {.key = "u/m", .query = {{"partNumber", "3"}}}).body, "333");
    EXPECT_EQ(events(), std::vector<std::string>{"s3:ObjectCreated:CompleteMultipartUpload u/m"});
    EXPECT_EQ(code_of(complete("u/m", upload, {{1, tag1}})), "NoSuchUpload");
    const Answer again = complete("u/m", upload, {{1, tag1}, {2, tag2}, {7, tag3}});
    EXPECT_EQ(again.status, 200) << again.body;
    EXPECT_EQ(element(again, "ETag"), element(done, "ETag"));
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(Multipart, accepts_checksum_of_the_whole_with_or_without_number_of_parts) {
    const auto sha256 = [](std::string_view text) { return base64(signer::sha256(text)); };
    const std::string one(2'000, '1'), two = "2";
    std::string sums;
    for (const std::string& part : {one, two}) {
        const auto sum = signer::sha256(part);
        sums.append(reinterpret_cast<const char*>(sum.data()), sum.size());
    }
    const std::string whole = sha256(sums);
    for (const auto& [value, expected] :
         std::vector<std::pair<std::string, std::string>>{{whole + "-2", "200"},
                                                          {whole, "200"},
                                                          {sha256("other") + "-2", "BadDigest"},
                                                          {"nonsense-2", "InvalidRequest"}}) {
        const std::string upload =
            element(ask("signer", {.method = "POST",
                                   .key = "u/m",
                                   .query = {{"uploads", ""}},
                                   .headers = {{"x-amz-checksum-algorithm", "SHA256"}}}),
                    "UploadId");
        std::string document = "<CompleteMultipartUpload>";
        for (const auto& [number, part] : {std::pair{1, one}, std::pair{2, two}})
            document +=
                "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
                put("u/m", upload, number, part, {{"x-amz-checksum-sha256", sha256(part)}}).header("ETag") +
                "</ETag></Part>";
        const Answer answer = ask("signer", {.method = "POST",
                                             .key = "u/m",
                                             .query = {{"uploadId", upload}},
                                             .headers = {{"x-amz-checksum-sha256", value}},
                                             .body = document + "</CompleteMultipartUpload>"});
        EXPECT_EQ(code_of(answer), expected) << value;
    }
}

TEST_F(Multipart, keeps_crc64nvme_of_the_whole_where_no_checksum_is_named) {
    const std::string upload = begin("u/m");
    const std::string one(2'000, '1');
    const std::string tag1 = put("u/m", upload, 1, one).header("ETag");
    const std::string tag2 = put("u/m", upload, 2, "2").header("ETag");
    const Answer listed = ask("worker", {.key = "u/m", .query = {{"uploadId", upload}}});
    EXPECT_EQ(listed.body.find("Checksum"), std::string::npos) << listed.body;
    const Answer done = complete("u/m", upload, {{1, tag1}, {2, tag2}});
    EXPECT_EQ(element(done, "ChecksumType"), "FULL_OBJECT") << done.body;
    const Answer whole = ask("worker", {.method = "PUT", .key = "whole", .body = one + "2"});
    EXPECT_EQ(element(done, "ChecksumCRC64NVME"), whole.header("x-amz-checksum-crc64nvme"));
}

TEST_F(Multipart, lists_uploads_by_delimiter_in_pages) {
    for (const auto* key : {"u/a/1", "u/a/2", "u/b", "u/c/1"})
        begin(key);
    std::string found;
    std::vector<signer::Parameter> query{
        {"uploads", ""}, {"prefix", "u/"}, {"delimiter", "/"}, {"max-uploads", "1"}};
    for (int page = 0; page < 9; ++page) {
        const Answer answer = ask("worker", {.query = query});
        ASSERT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(element(answer, "Delimiter"), "/");
        const auto prefix = element(answer, "CommonPrefixes");
        found += prefix.empty() ? element(answer, "Key") + " " : prefix + " ";
        if (element(answer, "IsTruncated") != "true") break;
        query = {{"uploads", ""},
                 {"prefix", "u/"},
                 {"delimiter", "/"},
                 {"max-uploads", "1"},
                 {"key-marker", element(answer, "NextKeyMarker")},
                 {"upload-id-marker", element(answer, "NextUploadIdMarker")}};
    }
    EXPECT_EQ(found, "<Prefix>u/a/</Prefix> u/b <Prefix>u/c/</Prefix> ");
}

TEST_F(Multipart, aborts_only_the_upload_that_began_at_the_given_time) {
    const std::string upload = begin("u/m");
    const auto abort = [&](const std::string& time) {
        return ask("worker", {.method = "DELETE",
                              .key = "u/m",
                              .query = {{"uploadId", upload}},
                              .headers = {{"x-amz-if-match-initiated-time", time}}});
    };
    EXPECT_EQ(code_of(abort("Sun, 06 Nov 1994 08:49:37 GMT")), "PreconditionFailed");
    EXPECT_EQ(code_of(abort("yesterday")), "InvalidArgument");
    const auto started = objects->uploads()
                             .parts({Bucket::trusted("incoming"), ObjectKey::trusted("u/m")}, upload, {})
                             ->upload.started;
    EXPECT_EQ(abort(format_http_date(started)).status, 204);
}

TEST_F(Multipart, rejects_mismatched_completion_and_changes_nothing) {
    const std::string upload = begin("u/m");
    const std::string small = put("u/m", upload, 1, "small").header("ETag");
    const std::string last = put("u/m", upload, 2, "last").header("ETag");
    EXPECT_EQ(code_of(complete("u/m", upload, {{1, small}, {2, last}})), "EntityTooSmall");
    EXPECT_EQ(code_of(complete("u/m", upload, {{2, last}, {1, small}})), "InvalidPartOrder");
    EXPECT_EQ(code_of(complete("u/m", upload, {{1, last}})), "InvalidPart");
    EXPECT_EQ(code_of(complete("u/m", upload, {{3, last}})), "InvalidPart");
    EXPECT_EQ(code_of(complete("u/m", upload, {})), "MalformedXML");
    EXPECT_EQ(code_of(complete("u/m", "none", {{1, small}})), "NoSuchUpload");
    EXPECT_EQ(code_of(complete("u/other", upload, {{1, small}})), "NoSuchUpload");
    EXPECT_EQ(code_of(ask("worker", {.key = "u/m"})), "NoSuchKey");
    EXPECT_EQ(complete("u/m", upload, {{1, small}}).status, 200);
}

TEST_F(Multipart, enforces_part_numbers_and_promised_checksums) {
    const std::string upload = begin("u/m");
    EXPECT_EQ(code_of(put("u/m", upload, 0, "x")), "InvalidArgument");
    EXPECT_EQ(code_of(put("u/m", upload, 10'001, "x")), "InvalidArgument");
    EXPECT_EQ(code_of(put("u/m", "none", 1, "x")), "NoSuchUpload");
    EXPECT_EQ(code_of(put("u/m", upload, 1, "123456780", {{"x-amz-checksum-crc32", "y/Q5Jg=="}})),
              "BadDigest");
    EXPECT_EQ(put("u/m", upload, 1, "123456789", {{"x-amz-checksum-crc32", "y/Q5Jg=="}}).status, 200);
}

TEST_F(Multipart, removes_aborted_upload) {
    const std::string upload = begin("u/m");
    put("u/m", upload, 1, "x");
    const Wanted abort{.method = "DELETE", .key = "u/m", .query = {{"uploadId", upload}}};
    EXPECT_EQ(code_of(ask("signer", abort)), "AccessDenied");
    EXPECT_EQ(ask("worker", abort).status, 204);
    EXPECT_EQ(code_of(ask("worker", abort)), "NoSuchUpload");
    EXPECT_EQ(code_of(put("u/m", upload, 1, "x")), "NoSuchUpload");
}

TEST_F(Multipart, copies_part_from_object) {
    ask("worker", {.method = "PUT", .key = "s", .body = "0123456789"});
    const std::string upload = begin("u/m");
    const Wanted copy{
        .method = "PUT",
        .key = "u/m",
        .query = {{"partNumber", "1"}, {"uploadId", upload}},
        .headers = {{"x-amz-copy-source", "/incoming/s"}, {"x-amz-copy-source-range", "bytes=2-4"}}};
    EXPECT_EQ(code_of(ask("signer", copy)), "AccessDenied");
    const Answer copied = ask("worker", copy);
    EXPECT_EQ(copied.status, 200) << copied.body;
    EXPECT_EQ(copied.body.find("Checksum"), std::string::npos) << copied.body;
    for (const auto* range : {"bytes=0-99", "bytes=5-99", "bytes=10-20", "bytes=5-", "bytes=-5", "bytes=4-2",
                              "bytes=0-10", "0-4", "bytes=0-4,6-7"}) {
        Wanted other = copy;
        other.headers.back().value = range;
        EXPECT_EQ(code_of(ask("worker", other)), "InvalidArgument") << range;
    }
    std::string tag = element(copied, "ETag");
    tag = tag.substr(5, tag.size() - 10);
    EXPECT_EQ(complete("u/m", upload, {{1, tag}}).status, 200);
    EXPECT_EQ(ask("worker", {.key = "u/m"}).body, "234");
}

}  // namespace
}  // namespace photogate::gateway::s3::test

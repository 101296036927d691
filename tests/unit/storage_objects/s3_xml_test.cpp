#include "storage/objects/s3_xml.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::storage::objects {
namespace {

TEST(S3Xml, requires_root_and_code_of_error) {
    EXPECT_EQ(parse_error("<Error><Code>A</Code><Message>b &#39;c&#39;</Message></Error>")->message, "b 'c'");
    EXPECT_EQ(parse_error("\n \n<?xml version=\"1.0\"?>\n<Error><Code>A</Code></Error>")->code, "A");
    for (const char* xml : {"", " ", "<Error/>", "<Error><Message>m</Message></Error>",
                            "<Err><Code>A</Code></Err>", "<Error><Code>A", "not xml", "{\"Code\":\"A\"}",
                            "<a><Error><Code>A</Code></Error></a>", "<html><body>502</body></html>"}) {
        EXPECT_FALSE(parse_error(xml)) << xml;
    }
}

TEST(S3Xml, rejects_declarations_so_that_no_entity_is_expanded) {
    EXPECT_FALSE(parse_error("<!DOCTYPE Error [<!ENTITY a \"aaaa\">]><Error><Code>&a;</Code></Error>"));
    EXPECT_FALSE(parse_error("<!DOCTYPE Error SYSTEM \"file:///etc/passwd\"><Error><Code>A</Code></Error>"));
    EXPECT_FALSE(parse_error("<Error><Code>A</Code><![CDATA[x]]></Error>"));
    EXPECT_EQ(parse_error("<Error><Code>&unknown;</Code></Error>")->code, "&unknown;");
}

TEST(S3Xml, bounds_depth_and_length) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "<a>";
    EXPECT_FALSE(parse_error("<Error><Code>A</Code>" + deep));
    std::string closed = deep;
    for (int i = 0; i < 100'000; ++i)
        closed += "</a>";
    EXPECT_EQ(parse_error("<Error><Code>A</Code>" + closed + "</Error>")->code, "A");
    EXPECT_FALSE(
        parse_error("<Error><Code>A</Code><Message>" + std::string(1U << 20, 'x') + "</Message></Error>"));
}

TEST(S3Xml, survives_arbitrary_bytes) {
    std::string noise;
    std::uint32_t state = 1;
    for (int round = 0; round < 2'000; ++round) {
        noise =
            "<ListBucketResult><Contents><Key>a</Key><Size>1</Size><ETag>&#34;e&#34;</ETag></Contents></"
            "ListBucketResult>";
        for (int i = 0; i < 4; ++i) {
            state = state * 1'664'525U + 1'013'904'223U;
            noise[(state >> 8) % noise.size()] = static_cast<char>(state >> 24);
        }
        const auto page = parse_list(noise);
        if (!page) {
            EXPECT_EQ(page.error().code, ErrorCode::store_protocol);
        }
    }
}

constexpr const char* kList =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>evt</Name><Prefix>u%2F</Prefix>"
    "<IsTruncated>true</IsTruncated><NextContinuationToken>tok+en/=</"
    "NextContinuationToken><EncodingType>url</EncodingType>"
    "<Contents><Key>u/sp+ace%2Fplus%2Band%2525</Key><LastModified>2026-11-20T21:34:22.242Z</LastModified>"
    "<ETag>&#34;49f68a5c8493ec2c0bf489821c21fc3b&#34;</ETag><Size>12</Size></Contents>"
    "<CommonPrefixes><Prefix>u/a+b/</Prefix></CommonPrefixes></ListBucketResult>";

TEST(S3Xml, reads_list_and_decodes_keys) {
    const auto page = parse_list(kList);
    ASSERT_TRUE(page) << page.error().detail;
    ASSERT_EQ(page->objects.size(), 1U);
    EXPECT_EQ(page->objects[0].key.str(), "u/sp ace/plus+and%25");
    EXPECT_EQ(page->objects[0].etag.str(), "49f68a5c8493ec2c0bf489821c21fc3b");
    EXPECT_EQ(page->objects[0].size, 12U);
    EXPECT_EQ(format_rfc3339(*page->objects[0].last_modified), "2026-11-20T21:34:22.242Z");
    EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"u/a b/"});
    EXPECT_EQ(page->next, "tok+en/=");
}

TEST(S3Xml, accepts_unencoded_keys) {
    std::string plain = kList;
    plain.erase(plain.find("<EncodingType>"), std::string{"<EncodingType>url</EncodingType>"}.size());
    EXPECT_EQ(parse_list(plain)->objects[0].key.str(), "u/sp+ace%2Fplus%2Band%2525");
}

TEST(S3Xml, reports_inconsistent_list_as_error) {
    const std::string good = kList;
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string changed = good;
        changed.replace(changed.find(from), from.size(), to);
        return parse_list(changed);
    };
    EXPECT_FALSE(with("<Size>12</Size>", ""));
    EXPECT_FALSE(with("<Size>12</Size>", "<Size>-12</Size>"));
    EXPECT_FALSE(with("<Size>12</Size>", "<Size>99999999999999999999999</Size>"));
    EXPECT_FALSE(with("%2Fplus", "%2"));
    EXPECT_FALSE(with("u/sp+ace%2Fplus%2Band%2525", ""));
    EXPECT_FALSE(with("u/sp+ace", "%ff%fe"));
    EXPECT_FALSE(with("tok+en/=", ""));
    EXPECT_FALSE(with("&#34;49f68a5c8493ec2c0bf489821c21fc3b&#34;", "W/&#34;1&#34;"));
    EXPECT_FALSE(parse_list("<ListAllMyBucketsResult/>"));
    std::string flood = "<ListBucketResult>";
    for (int i = 0; i < 1'001; ++i)
        flood += "<CommonPrefixes><Prefix>a</Prefix></CommonPrefixes>";
    EXPECT_FALSE(parse_list(flood + "</ListBucketResult>"));
}

TEST(S3Xml, escapes_content_of_documents) {
    const std::vector<ObjectKey> keys{ObjectKey::trusted("a<b>&\"c'"), ObjectKey::trusted("ü")};
    EXPECT_EQ(delete_document(keys, 0, 2),
              "<Delete><Object><Key>a&lt;b&gt;&amp;\"c'</Key></Object><Object><Key>ü</Key></"
              "Object><Quiet>true</Quiet></Delete>");
    EXPECT_EQ(complete_document({{1, ETag::trusted("e"), 5}}),
              "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag></Part></"
              "CompleteMultipartUpload>");
    EXPECT_EQ(
        notification_document({{"direct", "arn:minio:sqs::direct:webhook", {"s3:ObjectCreated:*"}, "u/"}}),
        "<NotificationConfiguration><QueueConfiguration><Id>direct</"
        "Id><Queue>arn:minio:sqs::direct:webhook</Queue>"
        "<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>u/</"
        "Value></FilterRule>"
        "</S3Key></Filter></QueueConfiguration></NotificationConfiguration>");
}

TEST(S3Xml, reads_results_of_copy_complete_create_and_delete) {
    EXPECT_EQ(parse_result_etag("<CopyObjectResult><ETag>\"x\"</ETag></CopyObjectResult>", "CopyObjectResult")
                  ->str(),
              "x");
    EXPECT_FALSE(parse_result_etag("<CopyObjectResult/>", "CopyObjectResult"));
    EXPECT_FALSE(parse_result_etag("", "CopyObjectResult"));
    EXPECT_EQ(*parse_upload_id_of_multipart(
                  "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"),
              "id");
    EXPECT_FALSE(parse_upload_id_of_multipart("<InitiateMultipartUploadResult/>"));
    const auto failures = parse_delete_result(
        "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>m</Message></Error></"
        "DeleteResult>");
    ASSERT_EQ(failures->size(), 1U);
    EXPECT_EQ(failures->at(0).key, "k");
    EXPECT_FALSE(parse_parts("<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"));
}

}  // namespace
}  // namespace photogate::storage::objects

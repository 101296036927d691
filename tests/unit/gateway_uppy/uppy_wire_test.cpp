#include "gateway/uppy/uppy_wire.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::uppy {
namespace {

http::RequestHead head(std::vector<http::QueryParameter> query) {
    http::RequestHead made;
    made.query = std::move(query);
    return made;
}

TEST(UppyParams, name_type_size_and_checksum_are_read_and_the_rest_is_left_alone) {
    const auto wanted = read_params(head({{"filename", "0b6f-a.jpg"},
                                          {"type", "image/jpeg"},
                                          {"metadata[name]", "a.jpg"},
                                          {"metadata[type]", "image/jpeg"},
                                          {"metadata[album]", "x y"},
                                          {"metadata[size]", "123"},
                                          {"metadata[sha256]", "abc"}}));
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->grant.filename, "a.jpg");
    EXPECT_EQ(wanted->grant.content_type, "image/jpeg");
    EXPECT_EQ(wanted->grant.size, 123U);
    EXPECT_EQ(wanted->grant.sha256, "abc");
    EXPECT_TRUE(wanted->grant.metadata.empty());
}

TEST(UppyParams, what_uppy_6_makes_of_null_says_nothing) {
    const auto wanted = read_params(
        head({{"filename", "a.jpg"}, {"type", ""}, {"metadata[size]", "null"}, {"metadata[name]", "null"}}));
    ASSERT_TRUE(wanted);
    EXPECT_EQ(wanted->grant.filename, "a.jpg");
    EXPECT_FALSE(wanted->grant.content_type || wanted->grant.size);
    EXPECT_EQ(read_params(head({{"type", "image/jpeg"}})).error().code, ErrorCode::missing_field);
}

TEST(UppyParams, size_that_is_no_number_is_a_mistake) {
    for (const char* size : {"-1", "1.5", "many", "18446744073709551616", "0x10", " 1"}) {
        const auto wanted = read_params(head({{"filename", "a.jpg"}, {"metadata[size]", size}}));
        ASSERT_TRUE(wanted);
        ASSERT_EQ(wanted->unreadable.size(), 1U) << size;
        EXPECT_EQ(wanted->unreadable.front().code, ErrorCode::invalid_size);
    }
}

TEST(UppyCreation, size_is_a_number_or_a_text_of_digits) {
    for (const char* size : {"7", "\"7\""}) {
        const auto wanted = read_creation(
            std::string{R"({"filename":"a.png","type":"image/png","metadata":{"relativePath":null,"size":)"} +
            size + "}}");
        ASSERT_TRUE(wanted);
        EXPECT_EQ(wanted->grant.size, 7U);
    }
    EXPECT_FALSE(read_creation("[]"));
    EXPECT_FALSE(read_creation("{"));
    EXPECT_FALSE(read_creation(R"({"filename":""})"));
}

TEST(UppyCompletion, takes_etags_with_and_without_quotes_and_numbers_as_texts) {
    const auto parts =
        read_completion(R"({"parts":[{"PartNumber":1,"ETag":"\"abc\""},{"PartNumber":"2","ETag":"def"}]})");
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->size(), 2U);
    EXPECT_EQ((*parts)[0].etag.str(), "abc");
    EXPECT_EQ((*parts)[1].number, 2U);
    for (const char* wrong : {R"({})", R"({"parts":{}})", R"({"parts":[{"PartNumber":0,"ETag":"a"}]})",
                              R"({"parts":[{"PartNumber":10001,"ETag":"a"}]})",
                              R"({"parts":[{"PartNumber":1}]})", R"({"parts":[1]})"})
        EXPECT_EQ(read_completion(wrong).error().code, ErrorCode::invalid_parts) << wrong;
}

TEST(UppyCompletionXml, reads_what_uppy_writes_and_nothing_else) {
    const auto parts = read_completion_xml(
        "<?xml version=\"1.0\"?>\n<CompleteMultipartUpload "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"> "
        "<Part><PartNumber>1</PartNumber><ETag>&quot;abc&quot;</ETag></Part>\n"
        "<Part><PartNumber>2</PartNumber><ETag>\"def\"</ETag></Part></CompleteMultipartUpload>");
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->size(), 2U);
    EXPECT_EQ((*parts)[0].etag.str(), "abc");
    EXPECT_EQ((*parts)[1].etag.str(), "def");
    for (const char* wrong :
         {"", "<", "<CompleteMultipartUpload>", "</CompleteMultipartUpload><CompleteMultipartUpload>",
          "<CompleteMultipartUpload><Part></Part></CompleteMultipartUpload>",
          "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
          "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></CompleteMultipartUpload>",
          "<CompleteMultipartUpload>x</CompleteMultipartUpload>", "<?xml"})
        EXPECT_FALSE(read_completion_xml(wrong)) << wrong;
}

TEST(UppyPartNumbers, are_1_to_10000) {
    EXPECT_EQ(*read_part_number("10000"), 10'000U);
    EXPECT_EQ(*read_part_numbers("1,2,10000"), (std::vector<std::uint32_t>{1, 2, 10'000}));
    for (const char* wrong : {"", "0", "10001", "-1", "1x", " 1", "1,,2", "1,"})
        EXPECT_EQ(read_part_numbers(wrong).error().code, ErrorCode::invalid_part_number) << wrong;
}

TEST(UppySignRequest, each_operation_is_told_by_its_method_and_fields) {
    using Operation = SignRequest::Operation;
    const auto operation = [](const char* body) { return read_sign_request(body).value().operation; };
    EXPECT_EQ(operation(R"({"method":"PUT","key":"k","contentType":"image/jpeg"})"), Operation::put_object);
    EXPECT_EQ(operation(R"({"method":"POST","key":"k"})"), Operation::create_multipart);
    EXPECT_EQ(operation(R"({"method":"PUT","key":"k","uploadId":"u","partNumber":3})"),
              Operation::upload_part);
    EXPECT_EQ(operation(R"({"method":"POST","key":"k","uploadId":"u"})"), Operation::complete);
    EXPECT_EQ(operation(R"({"method":"DELETE","key":"k","uploadId":"u"})"), Operation::abort);
    EXPECT_EQ(operation(R"({"method":"GET","key":"k","uploadId":"u"})"), Operation::list_parts);
    EXPECT_EQ(read_sign_request(R"({"method":"DELETE","key":"k"})").error().code, ErrorCode::invalid_field);
    EXPECT_EQ(read_sign_request(R"({"method":"PUT","key":"k","uploadId":"u"})").error().code,
              ErrorCode::invalid_part_number);
    EXPECT_EQ(read_sign_request(R"({"method":"PUT"})").error().code, ErrorCode::missing_field);
}

TEST(UppyMessage, names_all_that_is_wrong_and_how_a_page_says_the_size) {
    const Error several{ErrorCode::invalid_fields,
                        "2 fields are wrong",
                        {{"/size", ErrorCode::invalid_size, "'size' is required"},
                         {"/profile", ErrorCode::unknown_profile, "no such profile"}},
                        std::nullopt};
    const auto text = message_of(several);
    EXPECT_NE(text.find("'size' is required; no such profile"), std::string::npos) << text;
    EXPECT_NE(text.find("setFileMeta"), std::string::npos) << text;
    EXPECT_EQ(error_json({ErrorCode::state_conflict, "a \"b\"", {}, std::nullopt}, "req_1"),
              R"({"error":"state_conflict","message":"a \"b\"","requestId":"req_1"})");
    EXPECT_NE(error_xml({ErrorCode::state_conflict, "a<b&c", {}, std::nullopt}, "r")
                  .find("<Message>a&lt;b&amp;c</Message>"),
              std::string::npos);
}

}  // namespace
}  // namespace photogate::gateway::uppy

#include "gateway/s3/form.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

struct Fed {
    Form form{"b0"};
    std::string file;
    S3Result<> result;

    Fed(std::string_view body, std::size_t step) {
        for (std::size_t at = 0; result && at < body.size(); at += step)
            result = form.feed(body.substr(at, step), file);
        if (result) result = form.finish();
    }
};

std::string part(std::string_view disposition, std::string_view value) {
    return "--b0\r\nContent-Disposition: form-data; " + std::string{disposition} + "\r\n\r\n" +
           std::string{value} + "\r\n";
}

TEST(Form, reads_fields_first_and_streams_the_file) {
    const std::string file = "\r\n--b\r\n--b1\r\n\r\n-bytes\r\n";
    const std::string body =
        part("name=\"key\"", "u/${filename}") + part("name=empty", "") +
        "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\dir\\a;\\\"b.jpg\"\r\n"
        "Content-Type: image/jpeg\r\n\r\n" +
        file + "\r\n--b0\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n--b0--\r\n";
    for (std::size_t step = 1; step <= body.size(); ++step) {
        const Fed fed{body, step};
        ASSERT_TRUE(fed.result) << step << fed.result.error().message;
        EXPECT_EQ(fed.form.fields(),
                  (std::vector<signer::HeaderField>{{"key", "u/${filename}"}, {"empty", ""}}));
        EXPECT_EQ(fed.file, file);
        EXPECT_EQ(fed.form.file_name(), "a;\"b.jpg");
    }
}

TEST(Form, accepts_preamble_and_white_space_behind_boundaries) {
    const std::string fields = part("name=\"key\"", "k");
    std::string padded = fields + part("name=\"file\"", "abc") + "--b0--\r\n";
    for (std::size_t at = 0; (at = padded.find("--b0\r\n", at)) != std::string::npos; at += 6)
        padded.insert(at + 4, " \t");
    for (const std::string& body : {"\r\n" + padded, "This is a form.\r\n--b\r\n" + padded, padded}) {
        for (std::size_t step = 1; step <= body.size(); ++step) {
            const Fed fed{body, step};
            ASSERT_TRUE(fed.result) << step << fed.result.error().message;
            EXPECT_EQ(fed.form.fields(), (std::vector<signer::HeaderField>{{"key", "k"}}));
            EXPECT_EQ(fed.file, "abc");
        }
    }
}

TEST(Form, rejects_incomplete_or_malformed_form) {
    const std::string head = part("name=\"key\"", "k");
    for (const std::string& body :
         {std::string{}, std::string{"--b0--\r\n"}, std::string{"x" + head}, head, head + "--b0--\r\n",
          head + "--b0\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc",
          head + "--b0\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--b0--\r\n",
          head + "--b0\r\nno colon\r\n\r\nabc\r\n--b0--\r\n", part("name=\"key\"", "\xff") + head}) {
        const Fed fed{body, 7};
        ASSERT_FALSE(fed.result) << body;
        EXPECT_EQ(fed.result.error().code, Code::MalformedPOSTRequest) << body;
    }
}

TEST(Form, bounds_fields_but_not_the_file) {
    const Fed many{part("name=\"a\"", std::string(70'000, 'x')), 1'000};
    EXPECT_EQ(many.result.error().code, Code::MaxMessageLengthExceeded);
    const Fed large{part("name=\"a\"", "1") + part("name=\"file\"", std::string(200'000, 'x')) + "--b0--\r\n",
                    1'000};
    EXPECT_TRUE(large.result);
    EXPECT_EQ(large.file.size(), 200'000U);
}

TEST(Form, reads_boundary_as_sent) {
    EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
    EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=x; boundary=\"a b\""), "a b");
    EXPECT_EQ(form_boundary("multipart/form-data"), std::nullopt);
    EXPECT_EQ(form_boundary("application/x-www-form-urlencoded; boundary=a"), std::nullopt);
}

}  // namespace
}  // namespace photogate::gateway::s3

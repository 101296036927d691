#include "gateway/s3/error.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

TEST(ErrorDocument, names_code_and_resource_and_is_escaped) {
    const S3Error error = refuse(Code::NoSuchKey).value();
    EXPECT_EQ(
        error_document(error, {"incoming", "a<b>&\"'\x01\r", "/incoming/a", "01ABC"}),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>"
        "<Key>a&lt;b&gt;&amp;&#34;&#39;\xEF\xBF\xBD&#13;</Key><BucketName>incoming</BucketName>"
        "<Resource>/incoming/a</Resource><RequestId>01ABC</RequestId><HostId>photogate</HostId></Error>");
}

TEST(Error, translates_internal_errors_to_s3_codes) {
    EXPECT_EQ(of({ErrorCode::store_no_such_key, "", {}, {}}).code, Code::NoSuchKey);
    EXPECT_EQ(of({ErrorCode::store_precondition_failed, "", {}, {}}).code, Code::PreconditionFailed);
    EXPECT_EQ(of({ErrorCode::request_timeout, "", {}, {}}).code, Code::RequestTimeout);
    const S3Error internal = of({ErrorCode::file_error, "/var/lib/secret/path: EIO", {}, {}});
    EXPECT_EQ(internal.code, Code::InternalError);
    EXPECT_EQ(internal.message.find("secret"), std::string::npos);
    EXPECT_EQ(of(signer::SignatureRefusal{signer::SignatureFault::clock_skew, ""}, SignedIn::header).code,
              Code::RequestTimeTooSkewed);
    EXPECT_EQ(of(signer::SignatureRefusal{signer::SignatureFault::malformed, ""}, SignedIn::query).code,
              Code::AuthorizationQueryParametersError);
    EXPECT_EQ(status_of(Code::PreconditionFailed), 412);
}

}  // namespace
}  // namespace photogate::gateway::s3

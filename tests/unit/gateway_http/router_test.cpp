#include "gateway/http/router.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "gateway/access/principal.hpp"
#include "gateway/http/parse_head.hpp"

namespace photogate::gateway::http {
namespace {

RequestHead asked(const std::string& method, const std::string& target) {
    return *parse_head(method + " " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
}

Handler nothing() {
    return answer_with([](Request&) { return Response::empty(200); });
}

class RouterTest : public testing::Test {
  protected:
    RouterTest() {
        router.add({.method = Method::get, .pattern = "/v1/uploads/{id}", .handler = nothing()})
            .add({.method = Method::delete_, .pattern = "/v1/uploads/{id}", .handler = nothing()})
            .add({.method = Method::post,
                  .pattern = "/v1/uploads/batch",
                  .handler = nothing(),
                  .body_limit = 7})
            .add({.method = Method::get,
                  .pattern = "/u/{token}/s3/{rest...}",
                  .handler = nothing(),
                  .name = "s3"})
            .add({.method = Method::get, .pattern = "/", .handler = nothing()});
    }
    std::optional<ErrorCode> refusal(const std::string& method, const std::string& target) {
        Admission admission = router.admit(asked(method, target));
        const Error* error = std::get_if<Error>(&admission.refusal);
        return error ? std::optional{error->code} : std::nullopt;
    }
    std::string allow(const std::string& method, const std::string& target) {
        Admission admission = router.admit(asked(method, target));
        return admission.headers.empty() ? "" : admission.headers.front().value;
    }
    Router router;
};

TEST_F(RouterTest, finds_route_and_parameters_by_path) {
    Admission admission = router.admit(asked("GET", "/v1/uploads/upl_1"));
    EXPECT_TRUE(std::holds_alternative<std::monostate>(admission.refusal));
    EXPECT_EQ(admission.route_name, "/v1/uploads/{id}");
    ASSERT_EQ(admission.parameters.size(), 1U);
    EXPECT_EQ(admission.parameters[0].value, "upl_1");
    Admission rest = router.admit(asked("GET", "/u/t/s3/a/b%20c"));
    EXPECT_EQ(rest.route_name, "s3");
    EXPECT_EQ(rest.parameters[1].value, "a/b c");
    EXPECT_FALSE(refusal("GET", "/"));
}

TEST_F(RouterTest, prefers_literal_over_parameter) {
    EXPECT_EQ(router.admit(asked("POST", "/v1/uploads/batch")).body_limit, 7U);
    EXPECT_EQ(allow("GET", "/v1/uploads/batch"), "POST, OPTIONS");
}

TEST_F(RouterTest, reports_unknown_path_as_not_found) {
    for (const char* path :
         {"/v1", "/v1/uploads", "/v1/uploads/", "/v1/uploads/a/b", "/V1/uploads/a", "/u/t/s3"}) {
        EXPECT_EQ(refusal("GET", path), ErrorCode::not_found) << path;
    }
}

TEST_F(RouterTest, reports_allowed_methods_for_known_path) {
    for (const char* method : {"POST", "PUT", "PATCH", "TRACE", "CONNECT"}) {
        EXPECT_EQ(refusal(method, "/v1/uploads/a"), ErrorCode::method_not_allowed) << method;
        EXPECT_EQ(allow(method, "/v1/uploads/a"), "GET, HEAD, DELETE, OPTIONS");
    }
    EXPECT_FALSE(refusal("HEAD", "/v1/uploads/a"));
    Admission options = router.admit(asked("OPTIONS", "/v1/uploads/a"));
    EXPECT_EQ(*std::get<Response>(options.refusal).find("Allow"), "GET, HEAD, DELETE, OPTIONS");
}

TEST_F(RouterTest, identifies_caller_or_rejects_in_head_check) {
    const auto app = std::make_shared<const access::Principal>();
    router.add({.method = Method::put,
                .pattern = "/checked",
                .handler = nothing(),
                .check = [app](const RequestHead& head, const PathParameters&) -> Result<PrincipalPtr> {
                    if (head.query_value("key") != "good") return fail(ErrorCode::unauthenticated, "no");
                    return app;
                }});
    EXPECT_EQ(refusal("PUT", "/checked"), ErrorCode::unauthenticated);
    EXPECT_EQ(router.admit(asked("PUT", "/checked?key=good")).principal, app);
}

TEST_F(RouterTest, detects_table_mistakes_at_construction) {
    EXPECT_THROW(router.add({.pattern = "/", .handler = nothing()}), std::logic_error);
    EXPECT_THROW(router.add({.pattern = "x", .handler = nothing()}), std::logic_error);
    EXPECT_THROW(router.add({.pattern = "/{}", .handler = nothing()}), std::logic_error);
    EXPECT_THROW(router.add({.pattern = "/{a...}/b", .handler = nothing()}), std::logic_error);
    EXPECT_THROW(router.add({.pattern = "/nothing"}), std::logic_error);
}

}  // namespace
}  // namespace photogate::gateway::http

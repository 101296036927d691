#include "gateway/http/target.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::http {
namespace {

using Segments = std::vector<std::string>;

TEST(Target, splits_and_decodes_paths) {
    EXPECT_EQ(parse_target("/")->path, Segments{});
    EXPECT_EQ(parse_target("/a")->path, Segments{"a"});
    EXPECT_EQ(parse_target("/a/")->path, (Segments{"a", ""}));
    EXPECT_EQ(parse_target("/a/b%2Fc/%C3%A9+")->path, (Segments{"a", "b/c", "\xc3\xa9+"}));
    EXPECT_EQ(parse_target("/...")->path, Segments{"..."});
}

TEST(Target, reads_the_doubled_slash_of_an_uppy_endpoint_as_one_and_no_other) {
    EXPECT_EQ(parse_target("/u/pgt_x//s3/params?a=b")->path, (Segments{"u", "pgt_x", "s3", "params"}));
    for (const char* other :
         {"/u/pgt_x//v1/uploads", "/u/pgt_x///s3/params", "/u//s3/params", "/u/pgt_x/s3//params",
          "//u/pgt_x/s3/params", "/i/x//s3/params", "/u/a/b//s3/params", "/u/pgt_x//s3"})
        EXPECT_FALSE(parse_target(other)) << other;
}

TEST(Target, splits_and_decodes_queries_in_order) {
    auto target = parse_target("/x?b=1&a=%26%3D&b=2&flag&&empty=&url=http://h//p?q&m[k]=v");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->query, (std::vector<QueryParameter>{{"b", "1"},
                                                          {"a", "&="},
                                                          {"b", "2"},
                                                          {"flag", ""},
                                                          {"empty", ""},
                                                          {"url", "http://h//p?q"},
                                                          {"m[k]", "v"}}));
    EXPECT_TRUE(parse_target("/x?")->query.empty());
    EXPECT_EQ(parse_target("/?a=%0A")->query.front().value, "\n");
}

}  // namespace
}  // namespace photogate::gateway::http

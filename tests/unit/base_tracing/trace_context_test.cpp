#include "base/tracing/trace_context.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::tracing {
namespace {

const std::string kTrace = "0af7651916cd43dd8448eb211c80319c";
const std::string kSpan = "b7ad6b7169203331";
const std::string kGood = "00-" + kTrace + "-" + kSpan + "-01";

TEST(Traceparent, is_read_and_written_alike) {
    const auto context = parse_traceparent(kGood);
    ASSERT_TRUE(context);
    EXPECT_EQ(hex(context->trace), kTrace);
    EXPECT_EQ(hex(context->span), kSpan);
    EXPECT_TRUE(context->sampled);
    EXPECT_EQ(format_traceparent(*context), kGood);
    EXPECT_FALSE(parse_traceparent("00-" + kTrace + "-" + kSpan + "-00")->sampled);
}

TEST(Traceparent, knows_of_the_flags_the_first_alone) {
    const auto context = parse_traceparent("00-" + kTrace + "-" + kSpan + "-fe");
    ASSERT_TRUE(context);
    EXPECT_FALSE(context->sampled);
    EXPECT_EQ(format_traceparent(*context), "00-" + kTrace + "-" + kSpan + "-00");
    EXPECT_TRUE(parse_traceparent("00-" + kTrace + "-" + kSpan + "-03")->sampled);
}

TEST(Traceparent, of_a_later_version_is_read_by_what_is_known) {
    const auto rest = kGood.substr(2);
    EXPECT_TRUE(parse_traceparent("01" + rest));
    EXPECT_TRUE(parse_traceparent("cc" + rest + "-what-the-future-will-be-like"));
    EXPECT_FALSE(parse_traceparent("cc" + rest + ".what"));
    EXPECT_FALSE(parse_traceparent("ff" + rest));
    EXPECT_FALSE(parse_traceparent("ff" + rest + "-more"));
}

TEST(Traceparent, that_breaks_a_rule_is_none) {
    const std::string zeros(32, '0');
    const std::string wrong[] = {
        "",
        "00",
        kGood.substr(0, 54),
        kGood + "-",
        kGood + "-00",
        kGood + "0",
        " " + kGood,
        kGood + " ",
        "00-" + zeros + "-" + kSpan + "-01",
        "00-" + kTrace + "-" + zeros.substr(16) + "-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" + kSpan + "-01",
        "00-" + kTrace + "-B7AD6B7169203331-01",
        "00-" + kTrace + "-" + kSpan + "-0A",
        "0A-" + kTrace + "-" + kSpan + "-01",
        "00-" + kTrace.substr(1) + "g-" + kSpan + "-01",
        "00_" + kTrace + "-" + kSpan + "-01",
        "00-" + kTrace + "." + kSpan + "-01",
        "00-" + kTrace + "-" + kSpan + "_01",
        "00-" + kTrace + "-" + kSpan + "-0",
        "0.-" + kTrace + "-" + kSpan + "-01",
    };
    for (const auto& text : wrong)
        EXPECT_FALSE(parse_traceparent(text)) << text;
}

TEST(Tracestate, is_a_list_of_members) {
    EXPECT_TRUE(is_tracestate("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
    EXPECT_TRUE(is_tracestate("rojo=00f067aa0ba902b7 ,\t congo=t61rcWkgMzE"));
    EXPECT_TRUE(is_tracestate("tenant1@vendor=a b!~,a_-*/1=x"));
    EXPECT_TRUE(is_tracestate("a=1,,b=2"));
    const std::string wrong[] = {
        "",        ",",      "a",          "=1",    "a=",        "A=1",
        "a=1,a=2", "a=b=c",  "1a=x",       "a@=x",  "a@1=x",     "@v=x",
        "a@b@c=x", "a=\x7f", "a=\xc3\xa4", "a b=1", "a=1;b=2,c", "a@thisistoolongvendor=1"};
    for (const auto& text : wrong)
        EXPECT_FALSE(is_tracestate(text)) << text;
}

TEST(Tracestate, is_bounded) {
    EXPECT_TRUE(is_tracestate("a=" + std::string(256, 'x')));
    EXPECT_FALSE(is_tracestate("a=" + std::string(257, 'x')));
    EXPECT_TRUE(is_tracestate("a=" + std::string(250, 'x') + ",b=" + std::string(256, 'x') + ","));
    EXPECT_FALSE(is_tracestate("a=" + std::string(252, 'x') + ",b=" + std::string(256, 'x') + ","));
    std::string members;
    for (int i = 0; i < 32; ++i)
        members += (i ? ",k" : "k") + std::to_string(i) + "=1";
    EXPECT_TRUE(is_tracestate(members));
    EXPECT_FALSE(is_tracestate(members + ",k32=1"));
}

}  // namespace
}  // namespace photogate::tracing

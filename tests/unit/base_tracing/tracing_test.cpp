#include "base/tracing/tracing.hpp"

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.hpp"

namespace {
thread_local std::size_t t_allocations = 0;
}

// How much is allocated on this thread: what is off allocates nothing. Not inlined: g++ would see `new` met by `free`.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++t_allocations;
    if (void* const made = std::malloc(size)) return made;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* what) noexcept {
    std::free(what);
}
[[gnu::noinline]] void operator delete(void* what, std::size_t) noexcept {
    std::free(what);
}

namespace photogate::tracing {
namespace {

class Kept final : public SpanSink {
  public:
    void take(SpanRecord&& span) noexcept override {
        const std::lock_guard lock{mutex};
        spans.push_back(std::move(span));
    }
    SpanCounts counts() const noexcept override { return {}; }
    void close(std::chrono::milliseconds) noexcept override {}

    const SpanRecord& named(const std::string& name) const {
        for (const auto& span : spans)
            if (span.name == name) return span;
        throw std::runtime_error("no span " + name);
    }
    std::mutex mutex;
    std::vector<SpanRecord> spans;
};

const Context kRemote = *parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
const Context kUnsampled = *parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");

class Tracing : public testing::Test {
  protected:
    ~Tracing() override { install(nullptr, 0); }
    Kept kept;
};

TEST_F(Tracing, allocates_nothing_while_it_is_off) {
    const std::optional<std::string> parent = format_traceparent(kRemote);
    const auto before = t_allocations;
    {
        const Span outer{"outer", Kind::consumer, parent};
        Span inner{"inner"};
        inner.set("text", "value");
        inner.set("number", std::int64_t{1});
        inner.fail("internal");
        EXPECT_FALSE(inner.recording());
        EXPECT_FALSE(inner.traceparent());
        EXPECT_EQ(begin(std::nullopt, Trust::ours), Context{});
        EXPECT_EQ(begin(kRemote, Trust::stranger), kRemote);
    }
    EXPECT_EQ(t_allocations, before);
}

TEST_F(Tracing, nests_spans_by_thread) {
    install(&kept, 1);
    {
        Span outer{"outer", Kind::consumer, format_traceparent(kRemote)};
        EXPECT_EQ(current_trace_id(), hex(kRemote.trace));
        {
            Span inner{"inner", Kind::client};
            inner.set("http.response.status_code", std::int64_t{200});
        }
        { const Span second{"second"}; }
    }
    EXPECT_EQ(current_trace_id(), "");
    { const Span orphan{"orphan"}; }
    ASSERT_EQ(kept.spans.size(), 3U);
    const auto& outer = kept.named("outer");
    EXPECT_EQ(outer.parent, kRemote.span);
    EXPECT_EQ(outer.kind, Kind::consumer);
    for (const auto* name : {"inner", "second"}) {
        EXPECT_EQ(kept.named(name).parent, outer.context.span);
        EXPECT_EQ(kept.named(name).context.trace, kRemote.trace);
        EXPECT_LE(kept.named(name).duration, outer.duration);
    }
    EXPECT_NE(kept.named("inner").context.span, kept.named("second").context.span);
    EXPECT_EQ(std::get<std::int64_t>(kept.named("inner").attributes.at(0).second), 200);
}

TEST_F(Tracing, says_what_failed) {
    install(&kept, 1);
    {
        Span span{"fetch", Kind::client, format_traceparent(kRemote)};
        span.fail("store_timeout");
    }
    EXPECT_TRUE(kept.spans.at(0).failed);
    EXPECT_EQ(kept.spans.at(0).attributes.at(0).first, "error.type");
}

TEST_F(Tracing, records_nothing_of_a_trace_that_is_not_sampled) {
    install(&kept, 1);
    {
        Span span{"process", Kind::consumer, format_traceparent(kUnsampled)};
        const Span inner{"inner"};
        EXPECT_FALSE(span.recording());
    }
    { const Span none{"process", Kind::consumer, std::nullopt}; }
    { const Span malformed{"process", Kind::consumer, std::string{"00-nonsense"}}; }
    EXPECT_TRUE(kept.spans.empty());
}

TEST_F(Tracing, follows_what_its_own_callers_say_of_sampling) {
    install(&kept, 0);
    const auto sampled = begin(kRemote, Trust::ours);
    EXPECT_TRUE(sampled.sampled);
    EXPECT_EQ(sampled.trace, kRemote.trace);
    EXPECT_NE(sampled.span, kRemote.span);
    install(&kept, 1);
    EXPECT_FALSE(begin(kUnsampled, Trust::ours).sampled);
}

TEST_F(Tracing, lets_no_stranger_force_sampling) {
    install(&kept, 0);
    const auto context = begin(kRemote, Trust::stranger);
    EXPECT_EQ(context.trace, kRemote.trace);
    EXPECT_FALSE(context.sampled);
    install(&kept, 1);
    EXPECT_TRUE(begin(kRemote, Trust::stranger).sampled);
    EXPECT_FALSE(begin(kUnsampled, Trust::stranger).sampled);
}

TEST_F(Tracing, samples_roots_by_the_ratio) {
    install(&kept, 0.25);
    int sampled = 0;
    for (int i = 0; i < 4'000; ++i) {
        const auto context = begin(std::nullopt, Trust::stranger);
        EXPECT_EQ(context.sampled, context.valid());  // one that is not recorded is none
        sampled += context.sampled ? 1 : 0;
    }
    EXPECT_GT(sampled, 800);
    EXPECT_LT(sampled, 1'200);
}

TEST_F(Tracing, puts_the_trace_into_lines_of_the_log) {
    install(&kept, 1);
    const auto line = [] {
        return log::render(log::Format::json, log::Level::info, "2026-11-20T12:34:56.789Z",
                           "upload.published", {{"ms", 4}});
    };
    EXPECT_EQ(line().find("trace_id"), std::string::npos);
    {
        const Span span{"process", Kind::consumer, format_traceparent(kRemote)};
        EXPECT_NE(line().find(R"("ms":4,"trace_id":"0af7651916cd43dd8448eb211c80319c"})"), std::string::npos)
            << line();
        const auto text = log::render(log::Format::text, log::Level::info, "t", "e", {});
        EXPECT_TRUE(text.ends_with(" trace_id=0af7651916cd43dd8448eb211c80319c")) << text;
    }
    EXPECT_EQ(line().find("trace_id"), std::string::npos);
}

}  // namespace
}  // namespace photogate::tracing

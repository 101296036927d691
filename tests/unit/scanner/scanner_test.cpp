#include "scanner/scanner.hpp"

#include <deque>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace photogate::scanner {
namespace {

using namespace std::chrono_literals;

/// Says what it is told to, in this order, and then that it is away.
class Scripted final : public Engine {
  public:
    explicit Scripted(std::deque<Result<Verdict>> answers) : answers_(std::move(answers)) {}
    Result<Verdict> scan(int, std::uint64_t, std::chrono::milliseconds) override {
        if (answers_.empty()) return no_verdict("nobody is there");
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }

  private:
    std::deque<Result<Verdict>> answers_;
};

const Result<Verdict> kNothing = Verdict{};

class ScannerTest : public ::testing::Test {
  protected:
    void expect_metric(const std::string& line) {
        const auto text = metrics.render();
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    }
    telemetry::Metrics metrics;
    ScannerMetrics counted{metrics};
};

TEST_F(ScannerTest, is_left_alone_while_it_has_no_verdict_on_anything) {
    Scanner gone{std::make_unique<Scripted>(std::deque<Result<Verdict>>{}), 30s, counted};
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(gone.away());
        const auto found = gone.scan(-1, 1, "a");
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, ErrorCode::scanner_unavailable);
        EXPECT_TRUE(found.error().retry_after);
    }
    const auto away = gone.away();
    ASSERT_TRUE(away);
    EXPECT_EQ(away->code, ErrorCode::scanner_unavailable);
    EXPECT_EQ(gone.state(), Breaker::State::open);
    expect_metric("photogate_scanner_up 0");
    expect_metric(R"(photogate_scanner_scans_total{result="failed"} 3)");
}

TEST_F(ScannerTest, blames_the_file_where_it_has_a_verdict_on_a_harmless_one) {
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 5; ++i) {
        answers.emplace_back(no_verdict("it took too long"));
        answers.push_back(kNothing);
    }
    Scanner strict{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 5; ++i) {
        const auto found = strict.scan(-1, 1, "a");
        ASSERT_TRUE(found);
        EXPECT_EQ(found->kind, Verdict::Kind::failed);
        EXPECT_NE(found->text.find("it took too long"), std::string::npos);
        EXPECT_FALSE(strict.away());
    }
    expect_metric("photogate_scanner_up 1");
    expect_metric(R"(photogate_scanner_scans_total{result="beyond"} 5)");
    expect_metric(R"(photogate_scanner_scans_total{result="failed"} 0)");
}

TEST_F(ScannerTest, blames_a_file_at_which_it_goes_away_again_and_again) {
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 4; ++i) {
        if (i > 0) answers.push_back(kNothing);  // on a harmless file, before this one is tried again
        answers.emplace_back(no_verdict("it closed the connection"));
        answers.emplace_back(no_verdict("nobody is there"));
    }
    answers.push_back(kNothing);
    Scanner frail{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(frail.scan(-1, 1, "a").error().code, ErrorCode::scanner_unavailable);
    const auto blamed = frail.scan(-1, 1, "a");
    ASSERT_TRUE(blamed);
    EXPECT_EQ(blamed->kind, Verdict::Kind::beyond);
    EXPECT_NE(blamed->text.find("went away at it 4 times"), std::string::npos) << blamed->text;
    EXPECT_NE(blamed->text.find("it closed the connection"), std::string::npos) << blamed->text;
    EXPECT_EQ(*frail.scan(-1, 1, "b"), Verdict{});
}

TEST_F(ScannerTest, blames_no_file_while_it_is_away_for_harmless_ones_too) {
    Scanner gone{std::make_unique<Scripted>(std::deque<Result<Verdict>>{}), 30s, counted};
    for (int i = 0; i < 20; ++i)
        EXPECT_FALSE(gone.scan(-1, 1, "a"));
}

TEST_F(ScannerTest, blames_no_file_because_there_was_no_connection_for_the_harmless_one) {
    const Result<Verdict> busy = fail(ErrorCode::overloaded, "all connections are in use");
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 8; ++i) {
        answers.emplace_back(no_verdict("it closed the connection"));
        answers.push_back(busy);
    }
    // Known from then on: the harmless file goes first, and there is no connection for it either.
    answers.emplace_back(no_verdict("it closed the connection"));
    answers.emplace_back(no_verdict("nobody is there"));
    answers.push_back(busy);
    Scanner frail{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 9; ++i)
        EXPECT_EQ(frail.scan(-1, 1, "a").error().code, ErrorCode::scanner_unavailable);
    EXPECT_EQ(frail.scan(-1, 1, "a").error().code, ErrorCode::overloaded);
}

TEST_F(ScannerTest, knows_a_bounded_number_of_files_at_which_it_went_away) {
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 3; ++i) {
        if (i > 0) answers.push_back(kNothing);
        answers.emplace_back(no_verdict("it closed the connection"));
        answers.emplace_back(no_verdict("nobody is there"));
    }
    Scanner frail{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 3; ++i)
        EXPECT_FALSE(frail.scan(-1, 1, "a"));
    for (int i = 0; i < 64; ++i)
        EXPECT_FALSE(frail.scan(-1, 1, std::to_string(i)));
    EXPECT_FALSE(frail.scan(-1, 1, "a")) << "counted from one again";
}

TEST_F(ScannerTest, is_not_away_because_of_files_beyond_its_limits) {
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 5; ++i)
        answers.emplace_back(beyond("it is too long"));
    Scanner strict{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 5; ++i) {
        const auto found = strict.scan(-1, 1, "a");
        ASSERT_TRUE(found);
        EXPECT_EQ(*found, beyond("it is too long"));
        EXPECT_FALSE(strict.away());
    }
}

TEST_F(ScannerTest, is_not_away_because_all_its_connections_are_in_use) {
    std::deque<Result<Verdict>> answers;
    for (int i = 0; i < 5; ++i)
        answers.emplace_back(fail(ErrorCode::overloaded, "in use"));
    Scanner busy{std::make_unique<Scripted>(std::move(answers)), 30s, counted};
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(busy.scan(-1, 1, "a").error().code, ErrorCode::overloaded);
    EXPECT_FALSE(busy.away());
    expect_metric("photogate_scanner_up 1");
}

TEST(CheckLength, has_files_that_are_too_long_beyond_a_limit) {
    EXPECT_FALSE(check_length(5, 5));
    const auto longer = check_length(6, 5);
    ASSERT_TRUE(longer);
    EXPECT_EQ(longer->kind, Verdict::Kind::beyond);
    EXPECT_NE(longer->text.find("scanner.max_stream"), std::string::npos);
}

}  // namespace
}  // namespace photogate::scanner

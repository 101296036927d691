#include "notifier/queues/r2_queue.hpp"

#include <gtest/gtest.h>

namespace photogate::notifier::queues {
namespace {

TEST(PulledMessages, are_decoded_from_base64) {
    const auto messages = read_pulled(
        R"({"success":true,"errors":[],"messages":[],"result":{"message_backlog_count":2,"messages":[
            {"body":"eyJhIjoxfQ==","id":"1","timestamp_ms":1,"attempts":2,"metadata":{"CF-Content-Type":"json"},"lease_id":"one"},
            {"body":"not base64!","lease_id":"two"}]}})");
    ASSERT_TRUE(messages);
    ASSERT_EQ(messages->size(), 2U);
    EXPECT_EQ(messages->at(0).body, R"({"a":1})");
    EXPECT_EQ(messages->at(0).lease, "one");
    EXPECT_EQ(messages->at(1).body, "not base64!");
}

TEST(PulledMessages, may_be_none) {
    const auto messages = read_pulled(R"({"success":true,"result":{"messages":[]}})");
    ASSERT_TRUE(messages);
    EXPECT_TRUE(messages->empty());
}

TEST(PulledMessages, of_another_shape_are_no_answer_of_the_queue) {
    for (const std::string& answer :
         {std::string{}, std::string{"{}"}, std::string{"[]"}, std::string{R"({"result":null})"},
          std::string{R"({"result":{"messages":{}}})"},
          std::string{R"({"result":{"messages":[{"body":"x"}]}})"},
          std::string{R"({"result":{"messages":[{"lease_id":"x"}]}})"},
          std::string{R"({"result":{"messages":[{"lease_id":7,"body":"x"}]}})"},
          R"({"result":{"messages":[{"body":"","lease_id":")" + std::string(5'000, 'x') + "\"}]}}",
          std::string(100'000, '[')})
        EXPECT_FALSE(read_pulled(answer)) << answer.substr(0, 80);
}

}  // namespace
}  // namespace photogate::notifier::queues

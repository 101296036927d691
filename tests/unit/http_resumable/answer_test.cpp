#include "http/resumable/answer.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace photogate::http::resumable {
namespace {

using Why = Refusal::Why;

const Dialect kTus{Protocol::tus, 0};
Dialect draft(std::uint32_t interop) {
    return {Protocol::draft, interop};
}

std::string value(const Answer& answer, std::string_view name) {
    const auto found = std::find_if(answer.fields.begin(), answer.fields.end(),
                                    [&](const auto& field) { return field.name == name; });
    return found == answer.fields.end() ? "-" : found->value;
}

const Standing kOpen{.offset = 5,
                     .length = 9,
                     .complete = false,
                     .expires_at = Timestamp{},
                     .metadata = "a YQ==",
                     .most = 100};
const Standing kWhole{
    .offset = 9, .length = 9, .complete = true, .expires_at = Timestamp{}, .metadata = "", .most = 100};

TEST(TusAnswer, has_exactly_the_statuses_that_clients_expect) {
    EXPECT_EQ(created(kTus, "/u/t/r/x", kOpen).status, 201);
    EXPECT_EQ(stands(kTus, kOpen).status, 200);
    EXPECT_EQ(appended(kTus, kOpen).status, 204);
    EXPECT_EQ(appended(kTus, kWhole).status, 204);
    EXPECT_EQ(cancelled(kTus).status, 204);
    for (const auto& answer :
         {created(kTus, "/", kOpen), stands(kTus, kOpen), appended(kTus, kOpen), cancelled(kTus),
          refused(kTus, {Why::not_found, "", ErrorCode::upload_not_found})})
        EXPECT_EQ(value(answer, "Tus-Resumable"), "1.0.0");
}

TEST(TusAnswer, look_says_offset_length_and_metadata_and_is_not_stored) {
    const auto answer = stands(kTus, kOpen);
    EXPECT_EQ(value(answer, "Upload-Offset"), "5");
    EXPECT_EQ(value(answer, "Upload-Length"), "9");
    EXPECT_EQ(value(answer, "Upload-Metadata"), "a YQ==");
    EXPECT_EQ(value(answer, "Cache-Control"), "no-store");
    EXPECT_EQ(value(answer, "Upload-Expires"), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(value(stands(kTus, kWhole), "Upload-Expires"), "-");
    EXPECT_EQ(value(stands(kTus, {}), "Upload-Offset"), "0");
    EXPECT_EQ(value(stands(kTus, {}), "Upload-Defer-Length"), "1");
}

TEST(Answers, offset_is_on_no_error_but_409) {
    for (int why = 0; why <= static_cast<int>(Why::unavailable); ++why) {
        for (const auto& dialect : {kTus, draft(3), draft(5), draft(6), draft(8)}) {
            const auto answer = refused(dialect, {static_cast<Why>(why), "", ErrorCode::bad_request}, &kOpen);
            const bool is_offset = static_cast<Why>(why) == Why::wrong_offset;
            EXPECT_EQ(value(answer, "Upload-Offset"), is_offset ? "5" : "-") << why;
            EXPECT_GE(answer.status, 400);
            EXPECT_EQ(value(answer, "Content-Type"), "application/problem+json");
        }
    }
}

TEST(Answers, statuses_of_refusals) {
    const auto status = [](const Dialect& dialect, Why why) {
        return refused(dialect, {why, "", ErrorCode::bad_request}, &kOpen).status;
    };
    EXPECT_EQ(status(kTus, Why::wrong_version), 412);
    EXPECT_EQ(status(kTus, Why::wrong_type), 415);
    EXPECT_EQ(status(kTus, Why::wrong_offset), 409);
    EXPECT_EQ(status(kTus, Why::too_large), 413);
    EXPECT_EQ(status(kTus, Why::wrong_checksum), 460);
    EXPECT_EQ(status(draft(6), Why::wrong_checksum), 400);
    EXPECT_EQ(status(draft(6), Why::completed), 400);
    EXPECT_EQ(status(draft(8), Why::completed), 410);
    EXPECT_EQ(status(draft(8), Why::not_found), 404);
    EXPECT_EQ(value(refused(kTus, {Why::wrong_version, "", ErrorCode::bad_header}), "Tus-Version"), "1.0.0");
}

class DraftAnswer : public testing::TestWithParam<std::uint32_t> {
  protected:
    std::string completeness(const Answer& answer) const {
        const auto old = value(answer, "Upload-Incomplete"), now = value(answer, "Upload-Complete");
        EXPECT_EQ(GetParam() == 3 ? now : old, "-");
        if (GetParam() == 3) return old == "?1" ? "?0" : old == "?0" ? "?1" : old;
        return now;
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, DraftAnswer, testing::Values(3, 5, 6, 8));

TEST_P(DraftAnswer, echoes_the_version_and_says_completeness) {
    const auto dialect = draft(GetParam());
    for (const auto* standing : {&kOpen, &kWhole}) {
        for (const auto& answer :
             {created(dialect, "/x", *standing), stands(dialect, *standing), appended(dialect, *standing)}) {
            EXPECT_EQ(value(answer, "Upload-Draft-Interop-Version"), std::to_string(GetParam()));
            EXPECT_EQ(value(answer, "Tus-Resumable"), "-");
            EXPECT_EQ(value(answer, "Upload-Offset"), std::to_string(standing->offset));
            EXPECT_EQ(completeness(answer), standing->complete ? "?1" : "?0");
            EXPECT_TRUE(answer.status >= 200 && answer.status < 300);
        }
    }
    EXPECT_EQ(created(dialect, "/x", kOpen).status, 201);
    EXPECT_EQ(value(created(dialect, "/x", kOpen), "Location"), "/x");
    EXPECT_EQ(stands(dialect, kOpen).status, 204);
}

TEST_P(DraftAnswer, interim_answer_has_location_version_and_limit) {
    const auto answer = resumable_at(draft(GetParam()), "https://gw/x", kOpen);
    EXPECT_EQ(answer.status, 104);
    EXPECT_EQ(value(answer, "Location"), "https://gw/x");
    EXPECT_EQ(value(answer, "Upload-Draft-Interop-Version"), std::to_string(GetParam()));
    EXPECT_EQ(value(answer, "Upload-Offset"), "-");
    EXPECT_EQ(value(answer, "Upload-Limit"), GetParam() >= 6 ? "max-size=100" : "-");
}

TEST_P(DraftAnswer, progress_has_the_offset_and_neither_location_nor_completeness) {
    const auto answer = progress(draft(GetParam()), kOpen);
    EXPECT_EQ(answer.status, 104);
    EXPECT_EQ(value(answer, "Upload-Offset"), "5");
    EXPECT_EQ(value(answer, "Upload-Draft-Interop-Version"), std::to_string(GetParam()));
    EXPECT_EQ(value(answer, "Location"), "-");
    EXPECT_EQ(tells_progress(draft(GetParam())), GetParam() >= 5);
}

TEST_P(DraftAnswer, file_that_is_not_what_it_was_to_be_is_refused_for_good) {
    const auto answer =
        refused(draft(GetParam()), {Why::wrong_whole, "d", ErrorCode::invalid_checksum, {}}, &kOpen);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(completeness(answer), "?1");
    EXPECT_EQ(value(answer, "Upload-Offset"), "-");
}

TEST_P(DraftAnswer, mismatching_offset_is_a_problem_with_both_offsets) {
    const auto answer =
        refused(draft(GetParam()), {Why::wrong_offset, "d", ErrorCode::state_conflict, 7}, &kOpen);
    EXPECT_EQ(completeness(answer), "?0");
    EXPECT_NE(answer.body.find("\"expected-offset\":5"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("\"provided-offset\":7"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("http-problem-types#mismatching-upload-offset") != std::string::npos,
              GetParam() >= 6);
}

TEST(OptionsAnswer, tells_both_protocols) {
    const auto answer = offered(1'000);
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(value(answer, "Tus-Version"), "1.0.0");
    EXPECT_EQ(value(answer, "Tus-Max-Size"), "1000");
    EXPECT_EQ(value(answer, "Upload-Limit"), "min-size=1, max-size=1000");
    EXPECT_EQ(value(answer, "Tus-Extension"),
              "creation,creation-with-upload,expiration,termination,checksum");
}

}  // namespace
}  // namespace photogate::http::resumable

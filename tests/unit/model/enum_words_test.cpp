#include "model/enum_words.hpp"

#include <set>

#include <gtest/gtest.h>

#include "model/callback.hpp"
#include "model/job.hpp"
#include "model/object_layout.hpp"
#include "model/upload.hpp"

namespace photogate::model {
namespace {

template <class Enum>
class Words : public testing::Test {};

/// An enum and its last enumerator: what the test walks to.
template <class Enum, Enum kLast>
struct Counted {
    using Type = Enum;
    static constexpr int count = static_cast<int>(kLast) + 1;
};

using Enums = testing::Types<
    Counted<UploadState, UploadState::deleted>, Counted<GrantMethod, GrantMethod::multipart>,
    Counted<CallbackType, CallbackType::image_purge>, Counted<CallbackState, CallbackState::unsent>,
    Counted<CallbackEndpoint::State, CallbackEndpoint::State::paused>,
    Counted<OriginalAction, OriginalAction::quarantine>, Counted<ObjectRole::Kind, ObjectRole::Kind::canary>>;
TYPED_TEST_SUITE(Words, Enums);

TYPED_TEST(Words, every_enumerator_has_one_word_that_parses_back) {
    using Enum = typename TypeParam::Type;
    std::set<std::string_view> seen;
    for (int i = 0; i < TypeParam::count; ++i) {
        const auto value = static_cast<Enum>(i);
        const auto word = to_string(value);
        EXPECT_FALSE(word.empty()) << i;
        EXPECT_TRUE(seen.insert(word).second) << word;
        EXPECT_EQ(parse_word<Enum>(word), value);
    }
}

TYPED_TEST(Words, rejects_unknown_words) {
    using Enum = typename TypeParam::Type;
    const std::string first{to_string(static_cast<Enum>(0))};
    std::string upper = first;
    upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
    for (const std::string& word : {std::string{}, std::string{"nonsense"}, first + "x", " " + first, upper,
                                    first.substr(0, first.size() - 1), first + std::string(1, '\0')}) {
        EXPECT_EQ(parse_word<Enum>(word), std::nullopt) << word;
    }
}

TEST(JobKinds, the_words_of_jobs_about_uploads_differ) {
    std::set<std::string_view> seen;
    for (const auto& kind : kUploadJobKinds)
        EXPECT_TRUE(seen.insert(to_string(kind)).second) << kind.word;
}

TEST(UploadStates, only_states_that_wait_for_something_are_not_final) {
    for (const auto state : {UploadState::created, UploadState::uploaded, UploadState::processing})
        EXPECT_FALSE(is_final(state)) << to_string(state);
    for (const auto state : {UploadState::published, UploadState::rejected, UploadState::failed,
                             UploadState::expired, UploadState::cancelled, UploadState::deleted})
        EXPECT_TRUE(is_final(state)) << to_string(state);
}

}  // namespace
}  // namespace photogate::model

#include "base/secret.hpp"

#include <ostream>
#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace photogate {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
    out << value;
};
template <class T>
concept Comparable = requires(const T& a, const T& b) {
    a == b;
};

static_assert(!Printable<Secret>);
static_assert(!Comparable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, is_revealed_only_explicitly) {
    const Secret secret{"hunter2"};
    EXPECT_EQ(secret.reveal(), "hunter2");
    EXPECT_FALSE(secret.empty());
    EXPECT_TRUE(Secret{}.empty());
}

TEST(Secret, leaves_nothing_after_a_move) {
    for (const auto& text : {std::string{"short"}, std::string(100, 'x')}) {
        Secret from{text};
        const char* place = from.reveal().data();
        Secret to{std::move(from)};
        EXPECT_EQ(to.reveal(), text);
        EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
        EXPECT_EQ(place[0], '\0');  // the buffer still belongs to `from`
        EXPECT_EQ(place[text.size() - 1], '\0');
        Secret other{"other"};
        other = std::move(to);
        EXPECT_EQ(other.reveal(), text);
        EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
    }
}

TEST(Secret, copies_independently) {
    Secret copy;
    {
        const Secret secret{"hunter2"};
        copy = secret;
    }
    EXPECT_EQ(copy.reveal(), "hunter2");
    const Secret& itself = copy;
    copy = itself;
    EXPECT_EQ(copy.reveal(), "hunter2");
}

}  // namespace
}  // namespace photogate

#include "tests/contract/stores.hpp"

namespace photogate::test {
namespace {

class ListingContract : public Contract {
  protected:
    void fill(const std::vector<std::string>& names) {
        for (const auto& name : names)
            ASSERT_TRUE(put(key(name), name)) << name;
    }
    /// All pages; names without the test's own place.
    std::vector<std::string> names(ListOptions options, std::vector<std::string>* prefixes = nullptr) {
        options.prefix = place + options.prefix;
        if (options.start_after) options.start_after = place + *options.start_after;
        std::vector<std::string> found;
        for (int pages = 0; pages < 50; ++pages) {
            const auto page = store.list(incoming, options);
            if (!page) {
                ADD_FAILURE() << page.error().detail;
                break;
            }
            for (const auto& object : page->objects)
                found.push_back(object.key.str().substr(place.size()));
            for (const auto& prefix : page->common_prefixes)
                if (prefixes != nullptr) prefixes->push_back(prefix.substr(place.size()));
            if (!page->next) return found;
            options.continuation = page->next;
        }
        ADD_FAILURE() << "the listing does not end";
        return found;
    }
};
PHOTOGATE_CONTRACT(ListingContract);

using Names = std::vector<std::string>;

TEST_P(ListingContract, lists_keys_in_byte_order_in_pages_of_any_size) {
    fill({"b", "a", "A", "a-b", "z", "\xC3\xA9", "c/1", "c/2", "c-"});
    const Names sorted{"A", "a", "a-b", "b", "c-", "c/1", "c/2", "z", "\xC3\xA9"};
    for (const std::uint32_t max_keys : {1U, 2U, 4U, 1000U})
        EXPECT_EQ(names({.max_keys = max_keys}), sorted) << max_keys;
}

TEST_P(ListingContract, lists_the_objects_that_were_put) {
    const auto made = put(key("k"), "12345");
    ASSERT_TRUE(made);
    const auto page = store.list(incoming, {.prefix = place});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 1U);
    EXPECT_EQ(page->objects[0].etag, made->etag);
    EXPECT_EQ(page->objects[0].size, 5U);
    EXPECT_TRUE(page->objects[0].last_modified);
}

TEST_P(ListingContract, groups_keys_behind_a_delimiter) {
    fill({"a/1", "a/2", "b", "c/d/1", "c/e"});
    for (const std::uint32_t max_keys : {1U, 2U, 1000U}) {
        Names prefixes;
        EXPECT_EQ(names({.delimiter = "/", .max_keys = max_keys}, &prefixes), Names{"b"});
        EXPECT_EQ(prefixes, (Names{"a/", "c/"})) << max_keys;
    }
    Names prefixes;
    EXPECT_EQ(names({.prefix = "c/", .delimiter = "/"}, &prefixes), Names{"c/e"});
    EXPECT_EQ(prefixes, Names{"c/d/"});
}

TEST_P(ListingContract, starts_listing_after_existing_or_missing_key) {
    fill({"a", "b", "d"});
    EXPECT_EQ(names({.start_after = "a"}), (Names{"b", "d"}));
    EXPECT_EQ(names({.start_after = "c"}), Names{"d"});
    EXPECT_EQ(names({.start_after = "d"}), Names{});
}

TEST_P(ListingContract, returns_keys_with_special_characters_unchanged) {
    // What XML, URLs and shells would read otherwise.
    const Names marks{"a b", "a%20b", "a+b", "a&b;<c>\"'", "a=b?c#d", "a~!$()*,:@", "\xF0\x9F\x93\xB7.jpg"};
    fill(marks);
    Names sorted = marks;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(names({}), sorted);
    for (const auto& name : marks)
        EXPECT_EQ(get(key(name)), name);
}

TEST_P(ListingContract, allows_a_key_that_is_a_prefix_of_another) {
    if (is("versitygw")) GTEST_SKIP() << "a folder can't be a file there";
    if (is("minio")) GTEST_SKIP() << "what lies beneath a key is kept there, and not listed";
    fill({"p", "p/q", "p/q/r"});
    EXPECT_EQ(names({}), (Names{"p", "p/q", "p/q/r"}));
    EXPECT_EQ(get(key("p")), "p");
    ASSERT_TRUE(store.remove(incoming, key("p/q"), std::nullopt));
    EXPECT_EQ(names({}), (Names{"p", "p/q/r"}));
}

}  // namespace
}  // namespace photogate::test

#include <set>

#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

class FolderList : public FolderTest {
  protected:
    struct Listed {
        std::vector<std::string> keys, prefixes;
        bool operator==(const Listed&) const = default;
    };

    /// Every page, put together.
    Listed all(ListOptions options) {
        Listed listed;
        for (int pages = 0; pages < 5000; ++pages) {
            const auto page = store->list(bucket, options);
            if (!page) {
                ADD_FAILURE() << page.error().detail;
                return listed;
            }
            EXPECT_LE(page->objects.size() + page->common_prefixes.size(), options.max_keys);
            for (const auto& object : page->objects)
                listed.keys.push_back(object.key.str());
            listed.prefixes.insert(listed.prefixes.end(), page->common_prefixes.begin(),
                                   page->common_prefixes.end());
            if (!page->next) return listed;
            options.continuation = page->next;
        }
        ADD_FAILURE() << "the listing does not end";
        return listed;
    }

    static Listed as_defined(const std::set<std::string>& keys, const ListOptions& options) {
        Listed listed;
        for (const auto& key : keys) {
            if (!key.starts_with(options.prefix)) continue;
            if (options.start_after && key <= *options.start_after) continue;
            const auto found = options.delimiter.empty() ? std::string::npos
                                                         : key.find(options.delimiter, options.prefix.size());
            if (found == std::string::npos) {
                listed.keys.push_back(key);
                continue;
            }
            const auto prefix = key.substr(0, found + options.delimiter.size());
            if (options.start_after == prefix) continue;
            if (listed.prefixes.empty() || listed.prefixes.back() != prefix)
                listed.prefixes.push_back(prefix);
        }
        return listed;
    }
};

TEST_F(FolderList, returns_same_result_for_pages_of_any_size) {
    SeededRandom random_keys{42};
    std::set<std::string> keys{"a",    "a/b",      "a/b/", "b\xFF", "b\xFF\xFF/x", std::string("c\0d", 3),
                               "\xFF", "\xFF/\xFF"};
    for (int i = 0; i < 60; ++i) {
        std::string key;
        const auto length = 1 + random_keys.below(6);
        for (std::uint64_t c = 0; c < length; ++c)
            key += "ab/-\xFF"[random_keys.below(5)];
        keys.insert(key);
    }
    for (const auto& key : keys)
        ASSERT_TRUE(put(key, ""));
    for (const std::uint32_t max_keys : {1U, 2U, 7U, 1000U})
        for (const char* delimiter : {"", "/", "b/", "-"})
            for (const char* prefix : {"", "a", "a/", "b\xFF", "\xFF", "zz"})
                for (const char* after : {"", "a", "a/", "a/b", "b", "\xFF"}) {
                    ListOptions options{.prefix = prefix, .delimiter = delimiter, .max_keys = max_keys};
                    if (*after != '\0') options.start_after = after;
                    const auto expected = as_defined(keys, options);
                    const auto found = all(options);
                    ASSERT_EQ(found.keys, expected.keys)
                        << "prefix " << prefix << " delimiter " << delimiter << " after " << after;
                    ASSERT_EQ(found.prefixes, expected.prefixes)
                        << "prefix " << prefix << " delimiter " << delimiter << " after " << after;
                }
}

TEST_F(FolderList, returns_empty_page_and_rejects_foreign_token) {
    ASSERT_TRUE(put("a", ""));
    const auto page = store->list(bucket, {.max_keys = 0});
    ASSERT_TRUE(page);
    EXPECT_TRUE(page->objects.empty());
    EXPECT_FALSE(page->next);
    for (const char* token : {"", "?", "eA==", "a2E"})
        EXPECT_EQ(code_of(store->list(bucket, {.continuation = token})), ErrorCode::invalid_cursor) << token;
}

TEST_F(FolderList, lists_open_uploads_by_key_and_id) {
    for (const char* key : {"b", "a", "a", "c/d"})
        ASSERT_TRUE(store->uploads().start(bucket, key_of(key), {}));
    std::vector<std::string> found;
    UploadListOptions options{.max_uploads = 1};
    for (;;) {
        const auto page = store->uploads().list(bucket, options);
        ASSERT_TRUE(page);
        ASSERT_EQ(page->uploads.size(), 1U);
        found.push_back(page->uploads[0].key.str());
        options.key_marker = page->uploads[0].key.str();
        options.id_marker = page->uploads[0].id;
        if (!page->truncated) break;
    }
    EXPECT_EQ(found, (std::vector<std::string>{"a", "a", "b", "c/d"}));
    EXPECT_EQ(store->uploads().list(bucket, {.prefix = "c"})->uploads.size(), 1U);
    EXPECT_EQ(store->uploads().list(bucket, {.key_marker = "a"})->uploads.size(), 2U);
}

}  // namespace
}  // namespace photogate::storage::builtin

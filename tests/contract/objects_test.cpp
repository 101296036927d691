#include <atomic>
#include <thread>

#include "tests/contract/stores.hpp"

namespace photogate::test {
namespace {

class ObjectContract : public Contract {};
PHOTOGATE_CONTRACT(ObjectContract);

TEST_P(ObjectContract, returns_object_with_its_metadata) {
    const auto at = key("a.jpg");
    const auto made = put(at, "the bytes",
                          {.content_type = "image/jpeg",
                           .cache_control = "max-age=60",
                           .content_disposition = "inline",
                           .metadata = {{"upload", "upl_1"}, {"spaced", "a b"}}});
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->etag.str(), md5_hex("the bytes"));
    EXPECT_EQ(get(at), "the bytes");
    const auto found = store.head(incoming, at, {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->etag, made->etag);
    EXPECT_EQ(found->size, 9U);
    EXPECT_EQ(found->content_type, "image/jpeg");
    EXPECT_EQ(found->metadata.at("upload"), "upl_1");
    EXPECT_EQ(found->metadata.at("spaced"), "a b");
    EXPECT_TRUE(found->last_modified);
}

TEST_P(ObjectContract, stores_empty_object) {
    const auto at = key("empty");
    ASSERT_TRUE(put(at, ""));
    EXPECT_EQ(get(at), "");
    EXPECT_EQ(store.head(incoming, at, {})->size, 0U);
}

TEST_P(ObjectContract, returns_long_body_byte_for_byte) {
    Bytes bytes(3'000'001);
    SeededRandom{5}.fill(std::as_writable_bytes(std::span{bytes}));
    const auto at = key("long");
    const MemorySource body{BytesView{bytes}};
    const auto made = store.put(incoming, at, body, {});
    ASSERT_TRUE(made);
    EXPECT_EQ(made->etag.str(), hex_lower(signer::md5(bytes)));
    const auto got = get(at);
    ASSERT_TRUE(got);
    EXPECT_TRUE(*got == as_text(bytes));
}

TEST_P(ObjectContract, reports_missing_object) {
    EXPECT_EQ(code_of(get(key("none"))), ErrorCode::store_no_such_key);
    EXPECT_EQ(code_of(store.head(incoming, key("none"), {})), ErrorCode::store_no_such_key);
    EXPECT_EQ(code_of(store.list(missing, {})), ErrorCode::store_no_such_bucket);
    EXPECT_FALSE(store.check_bucket(missing));
    EXPECT_TRUE(store.check_bucket(incoming));
    const MemorySource body{std::string_view{"x"}};
    EXPECT_EQ(code_of(store.put(missing, key("x"), body, {})), ErrorCode::store_no_such_bucket);
}

TEST_P(ObjectContract, returns_requested_range) {
    const auto at = key("digits");
    ASSERT_TRUE(put(at, "0123456789"));
    EXPECT_EQ(get(at, {.range = ByteRange{2, 4}}), "234");
    EXPECT_EQ(get(at, {.range = ByteRange{0, 0}}), "0");
    EXPECT_EQ(get(at, {.range = ByteRange{8, 100}}), "89");
    EXPECT_EQ(code_of(get(at, {.range = ByteRange{10, 12}})), ErrorCode::range_not_satisfiable);
    const auto info = store.get(incoming, at, {.range = ByteRange{2, 4}}, [](BytesView) { return true; });
    ASSERT_TRUE(info);
    EXPECT_EQ(info->size, 10U);
}

TEST_P(ObjectContract, returns_only_the_pinned_object) {
    const auto at = key("pinned");
    const auto first = put(at, "first");
    ASSERT_TRUE(first);
    EXPECT_EQ(get(at, {.if_match = first->etag, .expected_size = 5}), "first");
    EXPECT_EQ(code_of(get(at, {.expected_size = 6})), ErrorCode::size_mismatch);
    ASSERT_TRUE(put(at, "second"));
    EXPECT_EQ(code_of(get(at, {.if_match = first->etag})), ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(store.head(incoming, at, {.if_match = first->etag})),
              ErrorCode::store_precondition_failed);
}

TEST_P(ObjectContract, stops_reading_when_the_receiver_stops) {
    const auto at = key("stop");
    ASSERT_TRUE(put(at, std::string(100'000, 'x')));
    EXPECT_EQ(code_of(store.get(incoming, at, {}, [](BytesView) { return false; })), ErrorCode::http_broken);
}

TEST_P(ObjectContract, rejects_body_with_wrong_sha256_and_stores_nothing) {
    const auto at = key("sealed");
    EXPECT_EQ(code_of(put(at, "these", {.sha256 = sha256_hex("others")})),
              ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(code_of(get(at)), ErrorCode::store_no_such_key);
    ASSERT_TRUE(put(at, "these", {.sha256 = sha256_hex("these")}));
    EXPECT_EQ(store.head(incoming, at, {})->sha256, base64(signer::sha256("these")));
    EXPECT_EQ(code_of(put(at, "x", {.sha256 = "not hex"})), ErrorCode::invalid_checksum);
}

TEST_P(ObjectContract, rejects_second_write_once_put) {
    const auto at = key("once");
    ASSERT_TRUE(put(at, "first", {.only_if_absent = true}));
    EXPECT_EQ(code_of(put(at, "second", {.only_if_absent = true})), ErrorCode::store_precondition_failed);
    EXPECT_EQ(get(at), "first");
    ASSERT_TRUE(put(at, "third"));
    EXPECT_EQ(get(at), "third");
}

TEST_P(ObjectContract, lets_one_of_many_racing_write_once_puts_win) {
    for (int round = 0; round < 3; ++round) {
        const auto at = key("race" + std::to_string(round));
        std::atomic<int> winners{0};
        std::atomic<int> winner{-1};
        std::vector<std::thread> threads;
        for (int i = 0; i < 6; ++i)
            threads.emplace_back([&, i] {
                const auto done = put(at, "writer " + std::to_string(i), {.only_if_absent = true});
                if (done) {
                    ++winners;
                    winner = i;
                } else {
                    EXPECT_EQ(done.error().code, ErrorCode::store_precondition_failed) << done.error().detail;
                }
            });
        for (auto& thread : threads)
            thread.join();
        EXPECT_EQ(winners, 1);
        EXPECT_EQ(get(at), "writer " + std::to_string(winner));
    }
}

TEST_P(ObjectContract, shows_readers_one_whole_object_during_overwrites) {
    const auto at = key("contended");
    const std::string a(200'000, 'a');
    const std::string b(150'000, 'b');
    ASSERT_TRUE(put(at, a));
    std::atomic<bool> done{false};
    std::thread writer{[&] {
        for (int i = 0; i < 20; ++i)
            EXPECT_TRUE(put(at, i % 2 == 0 ? b : a));
        done = true;
    }};
    while (!done) {
        const auto got = get(at);
        // A store may end the transfer of an object that was replaced under it; it never mixes two.
        if (got)
            EXPECT_TRUE(*got == a || *got == b);
        else
            EXPECT_EQ(got.error().code, ErrorCode::store_precondition_failed) << got.error().detail;
    }
    writer.join();
}

TEST_P(ObjectContract, removes_object_idempotently) {
    const auto at = key("gone");
    ASSERT_TRUE(put(at, "x"));
    EXPECT_TRUE(store.remove(incoming, at, std::nullopt));
    EXPECT_EQ(code_of(get(at)), ErrorCode::store_no_such_key);
    EXPECT_TRUE(store.remove(incoming, at, std::nullopt));
    std::vector<ObjectKey> keys;
    for (int i = 0; i < 5; ++i) {
        keys.push_back(key("many/" + std::to_string(i) + " & <x>"));
        if (i != 3) {
            ASSERT_TRUE(put(keys.back(), "x"));
        }
    }
    const auto failed = store.remove_many(incoming, keys);
    ASSERT_TRUE(failed);
    EXPECT_TRUE(failed->empty());
    EXPECT_TRUE(store.list(incoming, {.prefix = place})->objects.empty());
}

TEST_P(ObjectContract, copies_bytes_and_metadata) {
    const auto from = key("from with space");
    const auto to = key("to");
    const auto made = put(from, "copied", {.content_type = "image/png", .metadata = {{"m", "1"}}});
    ASSERT_TRUE(made);
    EXPECT_EQ(code_of(store.copy(incoming, from, originals, to, {.if_source_matches = ETag::trusted("x")})),
              ErrorCode::store_precondition_failed);
    const auto copied = store.copy(incoming, from, originals, to, {.if_source_matches = made->etag});
    ASSERT_TRUE(copied) << copied.error().detail;
    EXPECT_EQ(*copied, made->etag);
    const auto found = store.head(originals, to, {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->content_type, "image/png");
    EXPECT_EQ(found->metadata.at("m"), "1");
    ASSERT_TRUE(store.remove(incoming, from, std::nullopt));
    std::string bytes;
    EXPECT_TRUE(store.get(originals, to, {}, [&](BytesView piece) {
        bytes += as_text(piece);
        return true;
    }));
    EXPECT_EQ(bytes, "copied");
    EXPECT_EQ(code_of(store.copy(incoming, key("none"), originals, to, {})), ErrorCode::store_no_such_key);
}

}  // namespace
}  // namespace photogate::test

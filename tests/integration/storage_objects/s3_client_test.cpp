// Every call of ObjectStore against a real MinIO, with the worker's rights alone.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/integration/storage_objects/real_store.hpp"

namespace photogate::storage::objects {
namespace {

using test::sha256_hex;

struct S3 : test::RealStore {};

ErrorCode code_of(const auto& result) {
    return result ? ErrorCode::internal : result.error().code;
}

TEST_F(S3, returns_and_describes_what_was_put) {
    PutOptions how;
    how.content_type = "image/jpeg";
    how.cache_control = "no-store";
    how.metadata = {{"Camera", "déjà vu"}, {"b", "two words"}};
    how.sha256 = sha256_hex("the bytes");
    const ObjectKey at = key("plain.jpg");
    const auto stored = put(at, "the bytes", how);
    EXPECT_EQ(stored.size, 9U);
    EXPECT_EQ(*get(at), "the bytes");
    const auto info = store.head(incoming, at, {});
    ASSERT_TRUE(info) << info.error().detail;
    EXPECT_EQ(info->etag, stored.etag);
    EXPECT_EQ(info->size, 9U);
    EXPECT_EQ(info->content_type, "image/jpeg");
    EXPECT_EQ(info->sha256, base64(signer::sha256("the bytes")));
    EXPECT_EQ(info->metadata.at("b"), "two words");
    EXPECT_EQ(info->metadata.at("camera"), "=?UTF-8?q?d=C3=A9j=C3=A0_vu?=");
    ASSERT_TRUE(info->last_modified);
    EXPECT_LT(std::chrono::abs(*info->last_modified - clock.now()), std::chrono::minutes{1});
}

TEST_F(S3, preserves_awkward_keys) {
    const std::vector<std::string> names{"a/b/plain.txt",
                                         "sp ace/plus+and%25pct%&amp;=eq.txt",
                                         "ünï/日本語 😀.txt",
                                         "quo\"te's/back\\slash?q#h;semi:colon,comma@at!$()*[]{}<>^`|~.txt",
                                         "+++",
                                         " lead and trail ",
                                         "tab\tnl.txt",
                                         "%2F%2e%2E",
                                         "caf\u0065\u0301",
                                         "caf\u00e9",
                                         "a=b&c",
                                         "...",
                                         std::string(200, 'k')};
    const std::string folder = key("").str();
    std::vector<ObjectKey> keys;
    for (const std::string& name : names) {
        keys.push_back(ObjectKey::trusted(folder + name));
        put(keys.back(), name);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        EXPECT_EQ(get(keys[i]).value_or("lost"), names[i]);
        EXPECT_TRUE(store.head(incoming, keys[i], {})) << names[i];
    }
    ListOptions options;
    options.prefix = folder;
    const auto page = store.list(incoming, options);
    ASSERT_TRUE(page) << page.error().detail;
    std::set<std::string> listed, put_keys;
    for (const ListedObject& object : page->objects)
        listed.insert(object.key.str());
    for (const ObjectKey& at : keys)
        put_keys.insert(at.str());
    EXPECT_EQ(listed, put_keys);
    for (const ObjectKey& at : keys) {
        const ObjectKey to = ObjectKey::trusted("p/" + at.str());
        EXPECT_TRUE(store.copy(incoming, at, published, to, {})) << at.str();
        EXPECT_TRUE(store.remove(published, to, std::nullopt)) << at.str();
    }
    const auto failed = store.remove_many(incoming, keys);
    ASSERT_TRUE(failed) << failed.error().detail;
    EXPECT_TRUE(failed->empty());
    EXPECT_TRUE(store.list(incoming, options)->objects.empty());
}

TEST_F(S3, rejects_key_that_is_too_long_for_the_store) {
    const http::MemorySource body{std::string_view{"x"}};
    for (const char* name : {"u/a//b", "u/../b", "u/./b"}) {
        EXPECT_EQ(code_of(store.put(incoming, ObjectKey::trusted(name), body, {})), ErrorCode::store_refused)
            << name;
    }
}

TEST_F(S3, fails_pinned_read_after_overwrite) {
    const ObjectKey at = key("pinned");
    const auto first = put(at, "one");
    const auto second = put(at, "two!");
    EXPECT_EQ(code_of(get(at, {.if_match = first.etag})), ErrorCode::store_precondition_failed);
    EXPECT_EQ(code_of(store.head(incoming, at, {.if_match = first.etag})),
              ErrorCode::store_precondition_failed);
    EXPECT_EQ(*get(at, {.if_match = second.etag, .expected_size = 4}), "two!");
    EXPECT_EQ(code_of(get(at, {.if_match = second.etag, .expected_size = 3})), ErrorCode::size_mismatch);
    EXPECT_EQ(code_of(store.copy(incoming, at, published, at, {.if_source_matches = first.etag})),
              ErrorCode::store_precondition_failed);
}

TEST_F(S3, rejects_body_with_wrong_checksum_and_stores_nothing) {
    const ObjectKey at = key("checksum");
    const http::MemorySource body{std::string_view{"other bytes"}};
    PutOptions how;
    how.sha256 = sha256_hex("the bytes");
    EXPECT_EQ(code_of(store.put(incoming, at, body, how)), ErrorCode::store_checksum_mismatch);
    EXPECT_EQ(code_of(store.head(incoming, at, {})), ErrorCode::store_no_such_key);
}

TEST_F(S3, lets_one_of_many_writers_create_an_object) {
    const ObjectKey at = key("once");
    std::atomic<int> created{0}, refused{0};
    std::vector<std::thread> writers;
    for (int i = 0; i < 6; ++i) {
        writers.emplace_back([&, i] {
            const std::string text = "writer " + std::to_string(i);
            const http::MemorySource body{std::string_view{text}};
            PutOptions how;
            how.only_if_absent = true;
            const auto info = store.put(incoming, at, body, how);
            if (info) ++created;
            if (code_of(info) == ErrorCode::store_precondition_failed) ++refused;
        });
    }
    for (std::thread& writer : writers)
        writer.join();
    EXPECT_EQ(created, 1);
    EXPECT_EQ(refused, 5);
}

TEST_F(S3, returns_exact_ranges) {
    const ObjectKey at = key("range");
    put(at, "0123456789");
    EXPECT_EQ(*get(at, {.range = ByteRange{0, 0}}), "0");
    EXPECT_EQ(*get(at, {.range = ByteRange{3, 6}}), "3456");
    EXPECT_EQ(*get(at, {.range = ByteRange{8, 100}}), "89");
    EXPECT_EQ(code_of(get(at, {.range = ByteRange{10, 12}})), ErrorCode::range_not_satisfiable);
    const auto info = store.get(incoming, at, {.range = ByteRange{3, 6}}, [](BytesView) { return true; });
    EXPECT_EQ(info->size, 10U);
}

TEST_F(S3, handles_empty_and_large_objects) {
    const ObjectKey empty = key("empty");
    EXPECT_EQ(put(empty, "").size, 0U);
    EXPECT_EQ(*get(empty), "");
    std::string large(9'000'000, '\0');
    for (std::size_t i = 0; i < large.size(); ++i)
        large[i] = static_cast<char>(i * 2'654'435'761U >> 24);
    const ObjectKey at = key("large");
    PutOptions how;
    how.sha256 = sha256_hex(large);
    put(at, large, how);
    EXPECT_TRUE(get(at).value_or("") == large);
}

TEST_F(S3, reports_missing_objects_and_buckets) {
    EXPECT_EQ(code_of(get(key("none"))), ErrorCode::store_no_such_key);
    EXPECT_EQ(code_of(store.head(incoming, key("none"), {})), ErrorCode::store_no_such_key);
    EXPECT_TRUE(store.remove(incoming, key("none"), std::nullopt));
    EXPECT_EQ(code_of(store.copy(incoming, key("none"), published, key("none"), {})),
              ErrorCode::store_no_such_key);
    S3Client root{options(parts.root), with()};
    EXPECT_EQ(code_of(root.check_bucket(Bucket::trusted("no-such-bucket"))), ErrorCode::store_no_such_bucket);
    EXPECT_EQ(code_of(root.list(Bucket::trusted("no-such-bucket"), {})), ErrorCode::store_no_such_bucket);
    EXPECT_TRUE(store.check_bucket(incoming));
}

TEST_F(S3, denies_wrong_credentials) {
    S3Client wrong_secret{options({parts.worker.access, "wrong-secret-of-enough-length"}), with()};
    S3Client nobody{options({"nobody-at-all", parts.worker.secret}), with()};
    S3Client signer{options(parts.signer), with()};
    for (S3Client* client : {&wrong_secret, &nobody, &signer}) {
        EXPECT_EQ(code_of(client->head(incoming, key("x"), {})), ErrorCode::store_denied);
        EXPECT_EQ(code_of(client->list(incoming, {})), ErrorCode::store_denied);
        EXPECT_EQ(code_of(client->check_bucket(incoming)), ErrorCode::store_denied);
    }
    const http::MemorySource body{std::string_view{"x"}};
    EXPECT_TRUE(signer.put(incoming, key("x"), body, {}));
}

TEST_F(S3, lists_in_pages_and_groups) {
    const std::string folder = key("").str();
    for (const char* name : {"a/1", "a/2", "b/1", "c", "d"})
        put(ObjectKey::trusted(folder + name), name);
    ListOptions options;
    options.prefix = folder;
    options.max_keys = 2;
    std::vector<std::string> names;
    int pages = 0;
    while (true) {
        const auto page = store.list(incoming, options);
        ASSERT_TRUE(page) << page.error().detail;
        ++pages;
        for (const ListedObject& object : page->objects)
            names.push_back(object.key.str().substr(folder.size()));
        if (!page->next) break;
        options.continuation = page->next;
    }
    EXPECT_EQ(pages, 3);
    EXPECT_EQ(names, (std::vector<std::string>{"a/1", "a/2", "b/1", "c", "d"}));

    ListOptions grouped;
    grouped.prefix = folder;
    grouped.delimiter = "/";
    const auto page = store.list(incoming, grouped);
    ASSERT_EQ(page->common_prefixes, (std::vector<std::string>{folder + "a/", folder + "b/"}));
    EXPECT_EQ(page->objects.size(), 2U);
    EXPECT_EQ(page->objects[0].size, 1U);

    ListOptions after;
    after.prefix = folder;
    after.start_after = folder + "b/1";
    EXPECT_EQ(store.list(incoming, after)->objects.size(), 2U);
}

TEST_F(S3, reports_keys_that_batch_delete_may_not_remove) {
    const ObjectKey at = key("kept");
    put(at, "x");
    S3Client signer{options(parts.signer), with()};
    const auto failed = signer.remove_many(incoming, {at});
    // MinIO refuses by key; a store may refuse the whole request.
    if (failed) {
        ASSERT_EQ(failed->size(), 1U);
        EXPECT_EQ(failed->at(0).key, at);
        EXPECT_EQ(failed->at(0).error.code, ErrorCode::store_denied);
    } else {
        EXPECT_EQ(failed.error().code, ErrorCode::store_denied);
    }
    EXPECT_TRUE(store.head(incoming, at, {}));
    EXPECT_TRUE(store.remove_many(incoming, {at, key("never there")})->empty());
    EXPECT_EQ(code_of(store.head(incoming, at, {})), ErrorCode::store_no_such_key);
}

TEST_F(S3, copies_within_the_store) {
    const ObjectKey from = key("from");
    const auto info = put(from, "copied");
    const ObjectKey to = ObjectKey::trusted("p/" + from.str());
    const auto etag = store.copy(incoming, from, published, to, {.if_source_matches = info.etag});
    ASSERT_TRUE(etag) << etag.error().detail;
    EXPECT_EQ(*etag, info.etag);
    EXPECT_EQ(store.head(published, to, {})->size, 6U);
    EXPECT_TRUE(store.remove(published, to, std::nullopt));
}

TEST_F(S3, sets_notifications_and_rejects_unknown_target) {
    const NotificationRule fast{"direct", "arn:minio:sqs::direct:webhook", {"s3:ObjectCreated:*"}, "u/"};
    const NotificationRule queued{"queued", "arn:minio:sqs::queued:webhook", {"s3:ObjectCreated:*"}, "u/"};
    const auto set = store.set_notifications(incoming, {fast, queued});
    EXPECT_TRUE(set) << set.error().detail;
    const NotificationRule unknown{"x", "arn:minio:sqs::nobody:webhook", {"s3:ObjectCreated:*"}, "u/"};
    EXPECT_EQ(code_of(store.set_notifications(incoming, {unknown})), ErrorCode::store_refused);
}

TEST_F(S3, distinguishes_versions) {
    S3Client root{options(parts.root), with()};
    // No call of ours makes buckets or switches versions on: the start-up script of a store does.
    http::Request request;
    signer::Signer signer{{parts.root.access, Secret{parts.root.secret}, std::nullopt},
                          Region::trusted(parts.s3_region)};
    const auto raw = [&](const std::string& method, const Bucket& bucket,
                         std::vector<signer::Parameter> query, const std::string& body) {
        signer::HeaderSignRequest wanted;
        wanted.method = method;
        wanted.address = {*parse_endpoint(parts.s3_endpoint), signer::AddressingStyle::path, bucket,
                          std::nullopt};
        wanted.query = std::move(query);
        wanted.payload_sha256 = sha256_hex(body);
        wanted.at = clock.now();
        const auto made = signer.sign_headers(wanted);
        request = {};
        request.method = method;
        request.url = made->url;
        request.body = body;
        for (const auto& header : made->headers)
            request.headers.push_back({header.name, header.value});
        return http.send(request)->status;
    };
    const Bucket versioned =
        Bucket::trusted("versioned-" + make_upload_id(clock.now(), random).str().substr(4));
    ASSERT_EQ(raw("PUT", versioned, {}, ""), 200);
    ASSERT_EQ(raw("PUT", versioned, {{"versioning", ""}},
                  "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
              200);
    const ObjectKey at = ObjectKey::trusted("k");
    const http::MemorySource one{std::string_view{"one"}}, two{std::string_view{"second"}};
    const auto first = root.put(versioned, at, one, {});
    const auto second = root.put(versioned, at, two, {});
    ASSERT_TRUE(first && second);
    ASSERT_TRUE(first->version && second->version);
    EXPECT_NE(*first->version, *second->version);
    EXPECT_EQ(root.head(versioned, at, {.version = first->version})->size, 3U);
    EXPECT_EQ(root.head(versioned, at, {})->size, 6U);
    EXPECT_TRUE(root.remove(versioned, at, second->version));
    EXPECT_EQ(root.head(versioned, at, {})->version, first->version);
    EXPECT_TRUE(root.remove(versioned, at, std::nullopt));  // a delete marker
    EXPECT_EQ(code_of(root.head(versioned, at, {})), ErrorCode::store_no_such_key);
    EXPECT_TRUE(root.head(versioned, at, {.version = first->version}));
    EXPECT_EQ(code_of(root.head(versioned, at, {.version = second->version})), ErrorCode::store_no_such_key);
}

}  // namespace
}  // namespace photogate::storage::objects

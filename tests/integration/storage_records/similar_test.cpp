// Pictures that look like one: the index over perceptual hashes, kept with the rows, and the list by it.
#include <algorithm>
#include <random>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "records_database.hpp"
#include "storage/records/embedded_sql.hpp"
#include "storage/records/picture_hash.hpp"

namespace photogate::storage::records::test {
namespace {

class SimilarTest : public RecordsTest {
  protected:
    model::Upload published(std::uint64_t hash, const std::string& app = "doorstep") {
        const auto job = claim_process(received(app).id);
        auto publication = a_publication(job.upload);
        publication.facts.perceptual_hash = fmt::format("{:016x}", hash);
        return records->publications.publish(job.lease, publication).value();
    }
    std::vector<UploadId> similar(const ListQuery& query) {
        const auto uploads = records->uploads.list(query).value();
        std::vector<UploadId> ids;
        for (const auto& upload : uploads)
            ids.push_back(upload.id);
        return ids;
    }
    std::vector<UploadId> similar(std::uint64_t hash, int distance, const std::string& app = "doorstep") {
        return similar({.app = AppName::trusted(app), .similar = SimilarTo{hash, distance, {}, 0}});
    }
    std::string indexed() { return database.value("select count(*) from picture_hashes"); }
};

TEST_F(SimilarTest, finds_what_differs_in_few_bits_nearest_first) {
    const auto same = published(0xF0F0'1234'5678'9ABC), far = published(0x0F0F'1234'5678'9ABC),
               three = published(0xF0F0'1234'5678'9ABB), one = published(0xF0F0'1234'5678'9ABE),
               seven = published(0xF0F0'1234'5678'9AC3);
    EXPECT_EQ(distance_between(0xF0F0'1234'5678'9ABC, 0xF0F0'1234'5678'9AC3), 7);
    using Ids = std::vector<UploadId>;
    EXPECT_EQ(similar(0xF0F0'1234'5678'9ABC, 0), (Ids{same.id}));
    EXPECT_EQ(similar(0xF0F0'1234'5678'9ABC, 6), (Ids{same.id, one.id, three.id}));
    EXPECT_EQ(similar(0xF0F0'1234'5678'9ABC, 10), (Ids{same.id, one.id, three.id, seven.id}));
    EXPECT_EQ(similar(~0ULL, 10), Ids{});
    EXPECT_EQ(similar(0x0F0F'1234'5678'9ABC, 0), (Ids{far.id}));
}

TEST_F(SimilarTest, looks_among_one_apps_uploads_and_leaves_out_the_one_that_is_asked_about) {
    const auto mine = published(77), other = published(77), theirs = published(77, "shop");
    EXPECT_EQ(similar({.app = AppName::trusted("doorstep"), .similar = SimilarTo{77, 4, mine.id, 0}}),
              std::vector{other.id});
    EXPECT_EQ(similar(77, 4, "shop"), std::vector{theirs.id});
    EXPECT_TRUE(similar(77, 4, "nobody").empty());
}

TEST_F(SimilarTest, is_combined_with_the_other_filters) {
    const auto old = published(1);
    clock.advance(std::chrono::hours{1});
    const auto young = published(1);
    ListQuery query{.app = AppName::trusted("doorstep"), .similar = SimilarTo{1, 0, {}, 0}};
    query.created_after = old.created_at;
    EXPECT_EQ(similar(query), std::vector{young.id});
    query.created_after.reset();
    query.metadata = {{"order_id", "A-1001"}};
    EXPECT_EQ(similar(query).size(), 2U);
    query.metadata = {{"order_id", "A-1002"}};
    EXPECT_TRUE(similar(query).empty());
    query.metadata.clear();
    query.profile = ProfileName::trusted("other");
    EXPECT_TRUE(similar(query).empty());
    query.profile = ProfileName::trusted("photos");
    query.state = model::UploadState::published;
    EXPECT_EQ(similar(query).size(), 2U);
    query.state = model::UploadState::rejected;
    EXPECT_TRUE(similar(query).empty());
}

TEST_F(SimilarTest, forgets_a_picture_with_its_deletion_and_its_row) {
    const auto upload = published(5);
    EXPECT_EQ(indexed(), "1");
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(indexed(), "0");
    EXPECT_TRUE(similar(5, 10).empty());
    (void)published(6);
    database.run("delete from jobs; delete from images; delete from uploads");
    EXPECT_EQ(indexed(), "0");
}

TEST_F(SimilarTest, a_hash_that_is_none_is_not_indexed) {
    const auto job = claim_process(received().id);
    auto publication = a_publication(job.upload);
    publication.facts.perceptual_hash = "no hash at all!!";
    ASSERT_TRUE(records->publications.publish(job.lease, publication));
    EXPECT_EQ(indexed(), "0");
}

TEST_F(SimilarTest, the_database_cuts_the_same_blocks) {
    std::mt19937_64 numbers{3};
    for (int round = 0; round < 50; ++round) {
        const std::uint64_t hash = round == 0 ? ~0ULL : numbers();
        const auto blocks = blocks_of(hash);
        const auto row = database.run(fmt::format(
            "select every_fourth_bit({0}, 0), every_fourth_bit({0}, 1), every_fourth_bit({0}, 2), "
            "every_fourth_bit({0}, 3)",
            fmt::format("('x{:016x}')::bit(64)::bigint", hash)))[0];
        for (pqxx::row::size_type i = 0; i < 4; ++i)
            EXPECT_EQ(row[i].as<int>(), blocks[static_cast<std::size_t>(i)]) << std::hex << hash;
    }
}

TEST_F(SimilarTest, keeps_colour_and_alpha_and_forgets_the_colour_with_the_picture) {
    const auto upload = published(9);
    const auto read = records->uploads.find(std::nullopt, upload.id).value();
    EXPECT_EQ(read.facts->dominant_color, "#102030");
    EXPECT_EQ(read.image->has_alpha, false);
    database.run("update uploads set image_alpha = null");
    EXPECT_EQ(records->uploads.find(std::nullopt, upload.id).value().image->has_alpha, std::nullopt);
    ASSERT_TRUE(records->uploads.cancel_or_delete(std::nullopt, upload.id));
    EXPECT_EQ(database.value("select coalesce(dominant_color, '-') from uploads"), "-");
}

/// A hundred thousand pictures of one app, most of them apart and some in heaps.
class ManyPicturesTest : public SimilarTest {
  protected:
    ManyPicturesTest() {
        database.run(R"(
            insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields,
                                 request_id, created_at, expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256,
                                 image_format, image_width, image_height, image_size, image_alpha, found_type, found_size,
                                 found_sha256, found_width, found_height, exif, privacy, placeholder, perceptual_hash)
            select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos', 'published', 'put', 'local', 'incoming',
                   'u/' || n, '{}', '{}', 'r', now(), now(), now(), 'e', 'p/' || n, 'e', repeat('0', 64), 'jpeg', 1, 1, 1, false,
                   'image/jpeg', 1, repeat('0', 64), 1, 1, '{}', '{}', 'p',
                   case when n % 50 = 0 then 'ffff00000000' || lpad(to_hex(n % 64), 4, '0')
                        else substr(md5(n::text), 1, 16) end
            from generate_series(1, 100000) n)");
        database.run(R"(
            insert into picture_hashes (upload_id, app, hash)
            select id, app, ('x' || perceptual_hash)::bit(64)::bigint from uploads)");
        database.run("analyze");
        database.run("vacuum picture_hashes");
    }
    std::vector<std::pair<int, std::string>> by_hand(std::uint64_t hash, int distance) {
        std::vector<std::pair<int, std::string>> near;
        for (const auto& row : database.run("select id, perceptual_hash from uploads")) {
            const int bits = distance_between(hash, *parse_picture_hash(row[1].c_str()));
            if (bits <= distance) near.emplace_back(bits, row[0].c_str());
        }
        std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first < b.first : a.second > b.second;
        });
        return near;
    }
};

TEST_F(ManyPicturesTest, the_index_finds_exactly_what_comparing_each_finds_page_by_page) {
    for (const auto& [hash, distance] : {std::pair{0xFFFF'0000'0000'0000ULL, 10},
                                         {0xFFFF'0000'0000'0001ULL, 2},
                                         {0xC4CA'4238'A0B9'2382ULL, 10}}) {
        const auto expected = by_hand(hash, distance);
        std::vector<std::pair<int, std::string>> found;
        ListQuery query{
            .app = AppName::trusted("shop"), .similar = SimilarTo{hash, distance, {}, 0}, .limit = 170};
        for (;;) {
            const auto page = records->uploads.list(query).value();
            for (const auto& upload : page)
                found.emplace_back(distance_between(hash, *parse_picture_hash(upload.facts->perceptual_hash)),
                                   upload.id.str());
            if (page.size() < query.limit) break;
            query.before = page.back().id;
            query.similar->from = found.back().first;
        }
        EXPECT_EQ(found, expected) << std::hex << hash;
    }
}

TEST_F(ManyPicturesTest, reads_no_table_from_end_to_end) {
    pqxx::connection connection{database.url()};
    pqxx::nontransaction work{connection};
    for (const char* mode : {"force_custom_plan", "force_generic_plan"}) {
        work.exec("set plan_cache_mode = " + std::string{mode});
        work.exec("prepare similar_" + std::string{mode} + " as " + query("list_similar"));
        std::string plan, arrays;
        for (const auto block : blocks_of(0xD1FE'173D'08E9'5939)) {
            arrays += ", '{";
            for (const auto near : near_blocks(block, kMostDistance))
                arrays += (arrays.back() == '{' ? "" : ",") + std::to_string(near);
            arrays += "}'";
        }
        for (const auto& row : work.exec(
                 "explain execute similar_" + std::string{mode} +
                 "('shop', null, 'upl_', null, null, null, '{}', 51, -3315186724788152007, 10, null, 0" +
                 arrays + ", 50000)"))
            plan += std::string{row[0].c_str()} + "\n";
        EXPECT_FALSE(std::regex_search(plan, std::regex{"Seq Scan on (uploads|picture_hashes)"})) << plan;
        for (const char* index :
             {"picture_hashes_0", "picture_hashes_1", "picture_hashes_2", "picture_hashes_3", "uploads_pkey"})
            EXPECT_NE(plan.find(index), std::string::npos) << index << "\n" << plan;
    }
}

/// Two hundred thousand pictures within six bits of one another, as of a camera on a tripod.
TEST_F(SimilarTest, of_a_heap_of_near_pictures_the_nearest_are_found_and_no_farther_ones_read) {
    database.run(R"(
        insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields,
                             request_id, created_at, expires_at, updated_at, pinned_etag, image_key, image_etag, image_sha256,
                             image_format, image_width, image_height, image_size, image_alpha, found_type, found_size,
                             found_sha256, found_width, found_height, exif, privacy, placeholder, perceptual_hash)
        select 'upl_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'shop', 'photos', 'published', 'put', 'local', 'incoming',
               'u/' || n, '{}', '{}', 'r', now(), now(), now(), 'e', 'p/' || n, 'e', repeat('0', 64), 'jpeg', 1, 1, 1, false,
               'image/jpeg', 1, repeat('0', 64), 1, 1, '{}', '{}', 'p',
               lpad(to_hex((1::bigint << (n % 61)) | (1::bigint << (n / 61 % 61)) | (1::bigint << (n / 3721 % 61))), 16, '0')
        from generate_series(1, 200000) n)");
    database.run(R"(
        insert into picture_hashes (upload_id, app, hash)
        select id, app, ('x' || perceptual_hash)::bit(64)::bigint from uploads)");
    database.run("analyze");
    database.run("vacuum picture_hashes");
    for (const int distance : {0, 1, 3, 6, 10}) {
        const auto found = records->uploads.list(
            {.app = AppName::trusted("shop"), .similar = SimilarTo{0b111, distance, {}, 0}, .limit = 50});
        ASSERT_TRUE(found) << found.error().detail;
        if (distance == 0) continue;
        ASSERT_EQ(found->size(), distance == 1 ? 24U : 50U);
        int last = 0;
        for (const auto& upload : *found) {
            const int bits = distance_between(0b111, *parse_picture_hash(upload.facts->perceptual_hash));
            EXPECT_GE(bits, last);
            EXPECT_LE(bits, distance);
            last = bits;
        }
        EXPECT_LE(last, 2) << "farther ones are not read while there are enough";
    }
    const auto none = records->uploads.list({.app = AppName::trusted("shop"),
                                             .metadata = {{"order", "none"}},
                                             .similar = SimilarTo{0b111, 10, {}, 0}});
    ASSERT_TRUE(none) << none.error().detail;
    EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace photogate::storage::records::test

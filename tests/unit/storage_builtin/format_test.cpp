// Folders that other versions of the program have written.
#include <fstream>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/builtin/bodies.hpp"
#include "storage/builtin/rows.hpp"
#include "tests/unit/storage_builtin/store_fixture.hpp"

namespace photogate::storage::builtin {
namespace {

/// The index of format 1, as the first versions made it.
constexpr const char* kFormat1 = R"~(
create table if not exists facts (
    name  text primary key,
    value integer not null
) without rowid;
create table if not exists buckets (
    id      integer primary key,
    name    text not null unique,
    created integer not null,
    rules   blob
);
create table if not exists objects (
    bucket     integer not null,
    key        blob not null,
    etag       text not null,
    size       integer not null,
    modified   integer not null,
    sequence   integer not null,
    content    integer not null,
    part_count integer not null,
    checksum   blob,
    headers    blob not null,
    primary key (bucket, key)
) without rowid;
create table if not exists segments (
    content integer not null,
    number  integer not null,
    body    integer not null,
    size    integer not null,
    md5     text not null,
    primary key (content, number)
) without rowid;
create table if not exists uploads (
    id       integer primary key,
    bucket   integer not null,
    key      blob not null,
    name     text not null,
    started  integer not null,
    checksum blob,
    headers  blob not null,
    unique (bucket, key, name)
);
create table if not exists parts (
    upload   integer not null,
    number   integer not null,
    body     integer not null,
    size     integer not null,
    md5      text not null,
    modified integer not null,
    checksum blob,
    primary key (upload, number)
) without rowid;
create table if not exists completions (
    bucket    integer not null,
    key       blob not null,
    name      text not null,
    etag      text not null,
    size      integer not null,
    checksum  blob,
    completed integer not null,
    primary key (bucket, key, name)
) without rowid;
create index if not exists completions_by_time on completions (completed);
create table if not exists garbage (
    body    integer primary key,
    content integer not null
);
)~";

class FolderFormat : public testing::Test {
  protected:
    std::filesystem::path folder() const { return home.path / "store"; }
    void run(const std::string& sql) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open((folder() / "index.sqlite").c_str(), &database), SQLITE_OK);
        char* error = nullptr;
        EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
        sqlite3_free(error);
        sqlite3_close(database);
    }
    std::int64_t fact(const std::string& name) const {
        sqlite3* database = nullptr;
        sqlite3_open((folder() / "index.sqlite").c_str(), &database);
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(database, ("select value from facts where name = '" + name + "'").c_str(), -1,
                           &statement, nullptr);
        const std::int64_t value =
            sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
        sqlite3_finalize(statement);
        sqlite3_close(database);
        return value;
    }
    void write_body(std::uint64_t number, const std::string& bytes) const {
        const auto path = folder() / "bytes" / fmt::format("{:013x}", number >> Bodies::kFolderBits) /
                          fmt::format("{:016x}", number);
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path, std::ios::binary} << bytes;
    }
    static std::string blob(const std::string& bytes) { return "x'" + hex_lower(as_bytes(bytes)) + "'"; }

    /// An object with metadata and a checksum, and an upload with a part, by a program of format 1.
    void write_format_1() const {
        std::filesystem::create_directory(folder());
        std::filesystem::permissions(folder(), std::filesystem::perms::owner_all);
        run(kFormat1);
        const auto first = Bodies::first_of(1);
        write_body(first, "old object");
        write_body(first + 1, "old part");
        const auto headers = blob(pack({"t", "image/png", "c", "max-age=5", "mname", "value"}));
        run(
            fmt::format("insert into facts values ('format', 1), ('start', 1), ('unswept', 1);"
                        "insert into buckets (id, name, created) values (1, 'pictures', 1000000);"
                        "insert into objects values (1, {}, '{}', 10, 1700000000000000, 7, {}, 0, {}, {});"
                        "insert into uploads values (1, 1, {}, 'abc', 1799999999000000, null, {});"
                        "insert into parts values (1, 1, {}, 8, '{}', 1799999999000000, null);",
                        blob("key"), md5_hex("old object"), first, blob(pack({"CRC32", "f", "AAAAAA=="})),
                        headers, blob("big"), headers, first + 1, md5_hex("old part")));
    }

    TemporaryFolder home;
    ManualClock clock{Timestamp{std::chrono::seconds{1'800'000'000}}};
    SystemRandom random;
    const Bucket bucket = Bucket::trusted("pictures");
    const ObjectKey key = ObjectKey::trusted("key");
};

TEST_F(FolderFormat, opens_a_folder_of_format_1_and_keeps_everything) {
    write_format_1();
    auto store = FolderStore::open({.folder = folder(), .least_part = 1}, {clock, random});
    ASSERT_TRUE(store) << store.error().detail;
    const auto object = (*store)->objects().stat(bucket, key);
    ASSERT_TRUE(object) << object.error().detail;
    EXPECT_EQ(object->headers.content_type, "image/png");
    EXPECT_EQ(object->headers.cache_control, "max-age=5");
    EXPECT_EQ(object->headers.metadata, (std::map<std::string, std::string>{{"name", "value"}}));
    EXPECT_TRUE(object->headers.tags.empty());
    EXPECT_EQ(object->headers.storage_class, StorageClass::standard);
    EXPECT_EQ(object->checksum->value, "AAAAAA==");
    const auto reader = (*store)->objects().read(bucket, key);
    ASSERT_TRUE(reader) << reader.error().detail;
    std::string bytes(10, '\0');
    ASSERT_TRUE(reader->read(0, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}));
    EXPECT_EQ(bytes, "old object");

    // What is new works on what is old.
    ASSERT_TRUE((*store)->objects().set_tags(bucket, key, {{"a", "1"}}));
    ASSERT_TRUE((*store)->buckets().set_document(bucket, "cors", "rules"));
    const ObjectName big{bucket, ObjectKey::trusted("big")};
    const auto parts = (*store)->uploads().parts(big, "abc", {});
    ASSERT_TRUE(parts) << parts.error().detail;
    const auto made =
        (*store)->uploads().complete(big, "abc", {{1, parts->parts.front().etag, std::nullopt}}, {});
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_FALSE(made->checksum) << "no checksum of its part was kept";
    EXPECT_TRUE((*store)->objects().verify(bucket, big.key));

    store->reset();
    EXPECT_EQ(fact("format"), 2);
    auto again = FolderStore::open({.folder = folder()}, {clock, random});
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ((*again)->objects().stat(bucket, key)->headers.tags, (Tags{{"a", "1"}}));
    EXPECT_EQ((*again)->objects().stat(bucket, key)->headers.metadata.at("name"), "value");
    EXPECT_EQ(*(*again)->buckets().document(bucket, "cors"), "rules");
}

TEST_F(FolderFormat, refuses_a_folder_of_a_newer_format_and_leaves_it_alone) {
    write_format_1();
    run("update facts set value = 3 where name = 'format'");
    const auto store = FolderStore::open({.folder = folder()}, {clock, random});
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::file_error);
    EXPECT_NE(store.error().detail.find("format 3"), std::string::npos) << store.error().detail;
    EXPECT_EQ(fact("format"), 3);
    EXPECT_EQ(fact("start"), 1);
}

}  // namespace
}  // namespace photogate::storage::builtin

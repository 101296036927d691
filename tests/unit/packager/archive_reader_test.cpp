#include "packager/archive_reader.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace photogate::packager {
namespace {

namespace so = storage::objects;

/// An object in memory, given in pieces; it may break or end early.
class TextReader final : public so::ObjectReader {
  public:
    TextReader(so::ObjectInfo info, std::string bytes, std::optional<std::uint64_t> breaks_at)
        : info_(std::move(info)), bytes_(std::move(bytes)), breaks_at_(breaks_at) {}
    const so::ObjectInfo& info() const override { return info_; }
    std::uint64_t length() const override { return bytes_.size(); }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        std::size_t most = std::min({out.size(), bytes_.size() - at_, std::size_t{700}});
        if (breaks_at_) {
            if (at_ >= *breaks_at_) return fail(ErrorCode::http_broken, "the connection broke");
            most = std::min<std::size_t>(most, *breaks_at_ - at_);
        }
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), most, out.begin());
        at_ += most;
        return most;
    }

  private:
    const so::ObjectInfo info_;
    const std::string bytes_;
    const std::optional<std::uint64_t> breaks_at_;
    std::size_t at_ = 0;
};

/// An archive of objects in memory: its rows, its opener and the whole of its bytes.
class Archive final : public EntrySource, public EntryOpener {
  public:
    explicit Archive(const std::vector<std::size_t>& sizes) {
        std::mt19937 random{7};
        Layout layout;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            std::string bytes(sizes[i], '\0');
            std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
            PlacedEntry placed;
            placed.position = i;
            placed.entry = {.name = fmt::format("{}{}.jpg", i % 3 == 0 ? "bilder/é" : "b", i),
                            .size = bytes.size(),
                            .crc32 = crc32(0, as_bytes(bytes)),
                            .modified = std::chrono::sys_seconds{std::chrono::seconds{1'700'000'000 + i}}};
            placed.directory_offset = layout.directory_size();
            placed.offset = layout.add(placed.entry);
            placed.object = {Bucket::trusted("public"), ObjectKey::trusted(std::to_string(i)),
                             ETag::trusted("e" + std::to_string(i))};
            whole += local_header(placed.entry) + bytes;
            rows.push_back(placed);
            objects.push_back(std::move(bytes));
        }
        extent = layout.finish();
        for (const auto& placed : rows)
            whole += central_record(placed.entry, placed.offset);
        whole += end_of_archive(extent.entries, extent.central_offset, extent.central_size);
    }

    Result<std::vector<PlacedEntry>> page(const PageStart& start) override {
        const std::lock_guard lock{mutex};
        ++pages;
        if (page_error) return fail(*page_error);
        const auto begin = [&](const PlacedEntry& placed) {
            return start.by == PageStart::By::position ? placed.position
                   : start.by == PageStart::By::offset ? placed.offset
                                                       : placed.directory_offset;
        };
        std::vector<PlacedEntry> found;
        for (std::size_t i = 0; i < rows.size() && found.size() < page_size; ++i)
            if (i + 1 == rows.size() || begin(rows[i + 1]) > start.value) found.push_back(rows[i]);
        if (start.by == PageStart::By::position && start.value >= rows.size()) found.clear();
        return found;
    }

    Result<std::unique_ptr<so::ObjectReader>> open(const PlacedEntry& placed,
                                                   const so::ByteRange& range) override {
        const std::lock_guard lock{mutex};
        ++opens[placed.position];
        opened_ranges.emplace_back(placed.position, range);
        if (on_open) {
            if (auto error = on_open(placed, opens[placed.position])) return fail(*error);
        }
        const std::string& bytes = objects[placed.position];
        so::ObjectInfo info;
        info.etag = etag_now.value_or(placed.object.etag);
        info.size = bytes.size();
        std::optional<std::uint64_t> breaks;
        if (const auto found = breaks_after.find(placed.position); found != breaks_after.end())
            breaks = found->second;
        return std::make_unique<TextReader>(info, bytes.substr(range.first, range.last - range.first + 1),
                                            breaks);
    }

    std::vector<PlacedEntry> rows;
    std::vector<std::string> objects;
    Extent extent;
    std::string whole;
    std::size_t page_size = 3;
    std::optional<Error> page_error;
    std::function<std::optional<Error>(const PlacedEntry&, int)> on_open;
    std::map<std::uint64_t, std::uint64_t> breaks_after;  // each connection, by position
    std::optional<ETag> etag_now;

    std::mutex mutex;
    int pages = 0;
    std::map<std::uint64_t, int> opens;
    std::vector<std::pair<std::uint64_t, so::ByteRange>> opened_ranges;
};

struct Read {
    std::string bytes;
    std::optional<Error> error;
};

Read read_all(ArchiveReader& reader, std::size_t piece = 1'000) {
    Read read;
    std::vector<std::uint8_t> buffer(piece);
    while (true) {
        const auto got = reader.read(buffer);
        if (!got) {
            read.error = got.error();
            return read;
        }
        if (*got == 0) return read;
        read.bytes += as_text({buffer.data(), *got});
    }
}

Read read_span(const std::shared_ptr<Archive>& archive, Span span, ArchiveReaderOptions options = {},
               std::size_t piece = 1'000) {
    ArchiveReader reader{archive->extent, span, archive, archive, std::move(options)};
    return read_all(reader, piece);
}

Span all_of(const std::shared_ptr<Archive>& archive) {
    return {0, archive->extent.size};
}

std::shared_ptr<Archive> make(const std::vector<std::size_t>& sizes) {
    return std::make_shared<Archive>(sizes);
}

/// Tasks run at once on threads that are joined at the end.
struct Threads {
    ~Threads() {
        for (auto& thread : running)
            thread.join();
    }
    std::function<bool(std::function<void()>)> post() {
        return [this](std::function<void()> task) {
            running.emplace_back(std::move(task));
            return true;
        };
    }
    std::vector<std::thread> running;
};

TEST(ArchiveReader, gives_the_whole_archive) {
    const auto archive = make({5'000, 0, 1, 0, 0, 2'345, 10'000});
    ASSERT_EQ(archive->whole.size(), archive->extent.size);
    const auto read = read_span(archive, all_of(archive));
    EXPECT_FALSE(read.error);
    EXPECT_EQ(read.bytes, archive->whole);
    EXPECT_EQ(archive->opens, (std::map<std::uint64_t, int>{{0, 1}, {2, 1}, {5, 1}, {6, 1}}))
        << "no empty one";
}

TEST(ArchiveReader, of_nothing_is_the_end_of_an_archive) {
    const auto archive = make({});
    EXPECT_EQ(read_span(archive, all_of(archive)).bytes, archive->whole);
    EXPECT_EQ(archive->pages, 0);
}

TEST(ArchiveReader, says_what_the_archive_is) {
    const auto archive = make({5});
    ArchiveReader reader{archive->extent, {3, 10}, archive, archive, {.etag = ETag::trusted("abc")}};
    EXPECT_EQ(reader.info().etag.str(), "abc");
    EXPECT_EQ(reader.info().size, archive->extent.size);
    EXPECT_EQ(reader.length(), 7U);
}

TEST(ArchiveReader, every_range_is_that_part_of_the_whole) {
    const auto archive = make({40, 0, 7, 25, 1, 0});
    const auto size = archive->extent.size;
    for (std::uint64_t from = 0; from <= size; ++from) {
        for (std::uint64_t to = from; to <= size; to += 1 + (to - from) / 9) {
            const auto read = read_span(archive, {from, to}, {}, 11);
            ASSERT_FALSE(read.error) << from << " to " << to << ": " << read.error->detail;
            ASSERT_EQ(read.bytes, archive->whole.substr(from, to - from)) << from << " to " << to;
        }
    }
}

TEST(ArchiveReader, random_ranges_in_random_pieces_over_connections_that_break_are_those_parts_of_the_whole) {
    std::mt19937 random{11};
    const auto below = [&](std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>{0, most - 1}(random);
    };
    for (int round = 0; round < 30; ++round) {
        std::vector<std::size_t> sizes(below(40));
        for (auto& size : sizes)
            size = below(4) == 0 ? 0 : below(4'000);
        const auto archive = make(sizes);
        archive->page_size = 1 + below(6);
        for (std::size_t i = 0; i < sizes.size(); ++i)
            if (below(3) == 0) archive->breaks_after[i] = 1'500;  // at most three connections for 4,000 bytes
        for (int range = 0; range < 20; ++range) {
            const std::uint64_t from = below(archive->extent.size + 1);
            const std::uint64_t to = from + below(archive->extent.size - from + 1);
            Threads threads;
            ArchiveReaderOptions options{.post = below(2) == 0 ? threads.post() : nullptr, .ahead = below(4)};
            const auto read = read_span(archive, {from, to}, std::move(options), 1 + below(3'000));
            ASSERT_FALSE(read.error) << read.error->detail;
            ASSERT_EQ(read.bytes, archive->whole.substr(from, to - from)) << from << " to " << to;
        }
    }
}

TEST(ArchiveReader, range_in_the_central_directory_reads_no_object) {
    const auto archive = make({500, 600, 700, 800, 900});
    const auto from = archive->extent.central_offset + archive->rows[3].directory_offset + 5;
    const auto read = read_span(archive, {from, archive->extent.size});
    EXPECT_EQ(read.bytes, archive->whole.substr(from));
    EXPECT_TRUE(archive->opens.empty());
    EXPECT_EQ(archive->pages, 1) << "no page before it either";
}

TEST(ArchiveReader, range_asks_for_its_part_of_an_object_alone) {
    const auto archive = make({500, 600, 700});
    const auto data = archive->rows[1].offset + local_header_size(archive->rows[1].entry);
    read_span(archive, {data + 100, data + 200});
    ASSERT_EQ(archive->opened_ranges.size(), 1U);
    EXPECT_EQ(archive->opened_ranges[0].first, 1U);
    EXPECT_EQ(archive->opened_ranges[0].second.first, 100U);
    EXPECT_EQ(archive->opened_ranges[0].second.last, 199U);
}

TEST(ArchiveReader, takes_a_broken_connection_up_where_it_broke) {
    const auto archive = make({5'000, 100});
    archive->breaks_after[0] = 2'000;
    EXPECT_EQ(read_span(archive, all_of(archive)).bytes, archive->whole);
    ASSERT_EQ(archive->opened_ranges.size(), 4U);
    EXPECT_EQ(archive->opened_ranges[1].second.first, 2'000U);
    EXPECT_EQ(archive->opened_ranges[1].second.last, 4'999U);
}

TEST(ArchiveReader, gives_up_after_a_bounded_number_of_breaks) {
    const auto archive = make({5'000, 100});
    archive->breaks_after[0] = 1'000;
    const auto read = read_span(archive, all_of(archive));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code, ErrorCode::http_broken);
    EXPECT_EQ(archive->opens[0], 4);
}

TEST(ArchiveReader, each_entry_may_break_as_often_as_the_first) {
    const auto archive = make({5'000, 5'000, 5'000});
    for (std::uint64_t i = 0; i < 3; ++i)
        archive->breaks_after[i] = 1'500;
    EXPECT_EQ(read_span(archive, all_of(archive)).bytes, archive->whole);
}

TEST(ArchiveReader, tries_again_what_may_succeed_and_nothing_else) {
    const auto archive = make({500});
    archive->on_open = [](const PlacedEntry&, int times) {
        return times < 3 ? std::optional{Error{ErrorCode::store_unavailable, "down", {}, std::nullopt}}
                         : std::nullopt;
    };
    EXPECT_EQ(read_span(archive, all_of(archive)).bytes, archive->whole);
    archive->opens.clear();
    archive->on_open = [](const PlacedEntry&, int) {
        return std::optional{Error{ErrorCode::store_no_such_key, "no such object", {}, std::nullopt}};
    };
    const auto read = read_span(archive, all_of(archive));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code, ErrorCode::store_no_such_key);
    EXPECT_EQ(read.error->detail, "entry 0, bilder/é0.jpg: no such object");
    EXPECT_EQ(archive->opens[0], 1);
}

TEST(ArchiveReader, does_not_read_another_object_that_is_there_now) {
    const auto archive = make({500, 600});
    archive->etag_now = ETag::trusted("new");
    const auto read = read_span(archive, all_of(archive));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code, ErrorCode::store_precondition_failed);
    EXPECT_EQ(read.bytes, archive->whole.substr(0, local_header_size(archive->rows[0].entry)));
}

TEST(ArchiveReader, does_not_give_out_the_end_of_an_entry_whose_bytes_are_others) {
    for (const std::size_t piece : {1, 100, 5'000}) {
        const auto archive = make({500, 600});
        archive->objects[0][7] ^= 1;
        const auto read = read_span(archive, all_of(archive), {}, piece);
        ASSERT_TRUE(read.error);
        EXPECT_EQ(read.error->code, ErrorCode::store_checksum_mismatch);
        EXPECT_LT(read.bytes.size(), archive->rows[1].offset);
        EXPECT_EQ(archive->opens[0], 1);
    }
}

/// What parts of this size have of the entries that they cut, put together.
std::map<std::uint64_t, EntryFragment> joined(const std::shared_ptr<Archive>& archive, std::uint64_t part,
                                              std::size_t piece = 1'000) {
    std::map<std::uint64_t, EntryFragment> whole;
    for (std::uint64_t from = 0; from < archive->extent.size; from += part) {
        ArchiveReader reader{archive->extent, {from, from + part}, archive, archive};
        EXPECT_FALSE(read_all(reader, piece).error);
        EXPECT_LE(reader.fragments().size(), 2U);
        for (const auto& fragment : reader.fragments()) {
            const auto [at, fresh] = whole.emplace(fragment.position, fragment);
            if (fresh) continue;
            EXPECT_FALSE(at->second.ends);
            at->second.crc32 = joined_crc32(at->second.crc32, fragment.crc32, fragment.length);
            at->second.length += fragment.length;
            at->second.ends = fragment.ends;
        }
    }
    return whole;
}

TEST(ArchiveReader, sums_of_an_entry_that_parts_cut_make_the_sum_of_the_whole) {
    const auto archive = make({5'000, 0, 1, 40, 20'000, 0, 3, 700});
    for (const std::uint64_t part : {1U, 37U, 64U, 1'000U, 4'096U, 30'000U}) {
        for (const auto& [position, fragment] : joined(archive, part, part % 2 == 0 ? 64 : 1'000)) {
            const auto& entry = archive->rows[position].entry;
            EXPECT_EQ(fragment.length, entry.size) << part;
            EXPECT_TRUE(fragment.ends);
            EXPECT_EQ(fragment.crc32, entry.crc32) << part;
            EXPECT_EQ(fragment.whole_crc32, entry.crc32);
        }
    }
    EXPECT_TRUE(joined(archive, archive->extent.size).empty())
        << "an entry that is not cut is checked by itself";
    EXPECT_EQ(joined(archive, 4'096).count(4), 1U);
}

TEST(ArchiveReader, sums_of_an_entry_whose_bytes_are_others_do_not_make_the_sum_of_the_whole) {
    const auto archive = make({9'000});
    archive->objects[0][8'000] ^= 1;
    const auto fragment = joined(archive, 4'096).at(0);
    EXPECT_EQ(fragment.length, 9'000U);
    EXPECT_NE(fragment.crc32, fragment.whole_crc32);
}

TEST(ArchiveReader, sums_of_a_part_that_was_taken_up_again_are_those_of_its_bytes) {
    const auto archive = make({9'000});
    archive->breaks_after[0] = 1'500;
    const auto fragment = joined(archive, 4'096).at(0);
    EXPECT_EQ(fragment.crc32, archive->rows[0].entry.crc32);
}

TEST(ArchiveReader, names_the_entry_that_could_not_be_read) {
    const auto archive = make({1'000, 1'000, 1'000});
    archive->on_open = [](const PlacedEntry& placed, int) -> std::optional<Error> {
        if (placed.position != 1) return std::nullopt;
        return Error{ErrorCode::store_no_such_key, "gone", {}, std::nullopt};
    };
    ArchiveReader reader{archive->extent, all_of(archive), archive, archive};
    EXPECT_TRUE(read_all(reader).error);
    EXPECT_EQ(reader.broken_entry(), 1U);
}

TEST(ArchiveReader, does_not_read_an_object_of_another_size) {
    const auto archive = make({500});
    archive->objects[0] += "more";
    const auto read = read_span(archive, all_of(archive));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code, ErrorCode::size_mismatch);
}

TEST(ArchiveReader, goes_on_saying_what_went_wrong) {
    const auto archive = make({500});
    archive->page_error = Error{ErrorCode::database_unavailable, "down", {}, std::nullopt};
    ArchiveReader reader{archive->extent, all_of(archive), archive, archive};
    for (int i = 0; i < 2; ++i) {
        const auto read = read_all(reader);
        ASSERT_TRUE(read.error);
        EXPECT_EQ(read.error->code, ErrorCode::database_unavailable);
        archive->page_error.reset();
    }
    EXPECT_EQ(archive->pages, 1);
}

TEST(ArchiveReader, rows_that_leave_a_gap_are_an_error) {
    for (const std::size_t page_size : {1, 3}) {
        const auto archive = make({50, 60, 70});
        archive->page_size = page_size;
        archive->rows.erase(archive->rows.begin() + 1);
        const auto read = read_span(archive, all_of(archive));
        ASSERT_TRUE(read.error);
        EXPECT_EQ(read.error->code, ErrorCode::internal);
        EXPECT_EQ(read.bytes, archive->whole.substr(0, read.bytes.size()));
        EXPECT_LE(read.bytes.size(), local_header_size(archive->rows[0].entry) + 50);
    }
}

TEST(ArchiveReader, rows_that_end_early_are_an_error) {
    const auto archive = make({50, 60});
    archive->rows.pop_back();
    const auto read = read_span(archive, all_of(archive));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->code, ErrorCode::internal);
}

TEST(ArchiveReader, opens_the_next_object_while_one_is_read) {
    const auto archive = make({5'000, 0, 5'000, 5'000});
    archive->page_size = 10;
    std::vector<std::function<void()>> tasks;
    ArchiveReader reader{
        archive->extent, all_of(archive), archive, archive, {.post = [&](std::function<void()> task) {
            tasks.push_back(std::move(task));
            return true;
        }}};
    std::vector<std::uint8_t> piece(100);
    (void)reader.read(piece);
    ASSERT_EQ(tasks.size(), 2U) << "its own object and that of the next entry that has bytes";
    EXPECT_TRUE(archive->opens.empty());
    tasks[1]();
    EXPECT_EQ(archive->opens, (std::map<std::uint64_t, int>{{2, 1}}));
    EXPECT_EQ(read_all(reader).bytes.size(),
              archive->whole.size() - local_header_size(archive->rows[0].entry));
    for (const auto& task : tasks)
        task();
    EXPECT_EQ(archive->opens, (std::map<std::uint64_t, int>{{0, 1}, {2, 1}, {3, 1}}))
        << "tasks that come late find it done";
}

TEST(ArchiveReader, opens_itself_what_nobody_else_has_begun_to) {
    const auto archive = make({500, 600, 700});
    const auto read =
        read_span(archive, all_of(archive), {.post = [](const std::function<void()>&) { return true; }});
    EXPECT_EQ(read.bytes, archive->whole);
    const auto refused =
        read_span(archive, all_of(archive), {.post = [](const std::function<void()>&) { return false; }});
    EXPECT_EQ(refused.bytes, archive->whole);
}

TEST(ArchiveReader, leaves_what_is_opened_ahead_when_it_ends) {
    const auto archive = make({500, 600, 700});
    std::vector<std::function<void()>> tasks;
    {
        ArchiveReader reader{archive->extent,
                             all_of(archive),
                             archive,
                             archive,
                             {.post =
                                  [&](std::function<void()> task) {
                                      tasks.push_back(std::move(task));
                                      return true;
                                  },
                              .ahead = 2}};
        std::vector<std::uint8_t> piece(10);
        (void)reader.read(piece);
    }
    ASSERT_EQ(tasks.size(), 3U);
    for (const auto& task : tasks)
        task();
    EXPECT_TRUE(archive->opens.empty());
}

TEST(ArchiveReader, opens_nothing_ahead_that_its_range_does_not_reach) {
    const auto archive = make({500, 600, 700});
    Threads threads;
    read_span(archive, {0, archive->rows[1].offset + 20}, {.post = threads.post(), .ahead = 5});
    EXPECT_EQ(archive->opens, (std::map<std::uint64_t, int>{{0, 1}}));
}

}  // namespace
}  // namespace photogate::packager

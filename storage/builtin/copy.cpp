// A copy is a second name for the same bytes: bodies are immutable once written.
#include <array>
#include <cerrno>

#include <unistd.h>

#include "storage/builtin/stream_state.hpp"

namespace photogate::storage::builtin {

namespace {

/// New names for bodies; removed again unless kept.
class NewBodies {
  public:
    explicit NewBodies(StoreState& state) : state_(state) {}
    ~NewBodies() {
        if (kept_) return;
        for (const auto body : bodies_)
            state_.discard(body);
    }
    NewBodies(const NewBodies&) = delete;
    NewBodies& operator=(const NewBodies&) = delete;

    Result<> add(int source, const std::filesystem::path& source_path) {
        auto number = state_.bodies->next();
        if (!number) return fail(number.error());
        bodies_.push_back(*number);
        const auto path = state_.bodies->path_of(*number);
        auto linked = state_.files.link(source_path, path);
        if (!linked) return fail(linked.error());
        return *linked ? Result<>{} : copy_bytes(source, path);
    }
    void keep() { kept_ = true; }
    const std::vector<std::uint64_t>& numbers() const { return bodies_; }
    std::set<std::filesystem::path> folders() const {
        std::set<std::filesystem::path> found;
        for (const auto body : bodies_)
            found.insert(state_.bodies->folder_of(body));
        return found;
    }

  private:
    // If there are no links (or the source's name is gone while its file is open).
    Result<> copy_bytes(int source, const std::filesystem::path& path) {
        auto file = state_.files.create(path);
        if (!file) return fail(file.error());
        std::vector<std::uint8_t> piece(1U << 20);
        for (off_t offset = 0;;) {
            const ssize_t got = ::pread(source, piece.data(), piece.size(), offset);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail(file_failure("an object could not be read", errno));
            if (got == 0) break;
            const BytesView bytes{piece.data(), static_cast<std::size_t>(got)};
            if (auto written = state_.files.write(*file, bytes); !written) return written;
            offset += got;
        }
        return state_.files.sync(*file);
    }

    StoreState& state_;
    std::vector<std::uint64_t> bodies_;
    bool kept_ = false;
};

/// Of the whole object; read, unless it is kept.
Result<Checksum> checksum_of(const FolderReader& reader, ChecksumAlgorithm algorithm) {
    const StoredObject& object = reader.object();
    if (object.checksum && object.checksum->algorithm == algorithm &&
        object.checksum->type == ChecksumType::full_object)
        return *object.checksum;
    ChecksumStream stream{algorithm};
    Bytes piece(1U << 20);
    for (std::uint64_t offset = 0; offset < object.size;) {
        const auto got = reader.read(offset, piece);
        if (!got) return fail(got.error());
        if (*got == 0) return fail(ErrorCode::file_error, "an object's bytes end early");
        stream.update({piece.data(), *got});
        offset += *got;
    }
    return Checksum{algorithm, stream.finish(), ChecksumType::full_object};
}

Result<> check_source(const StoredObject& source, const StoreCopyOptions& options) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(source.last_modified);
    const bool held = (!options.if_source_matches || *options.if_source_matches == source.etag) &&
                      (!options.if_source_differs || *options.if_source_differs != source.etag) &&
                      // Like AWS: a matching tag overrides the date (RFC 9110, section 13.2.2).
                      (!options.if_source_unmodified_since || options.if_source_matches ||
                       seconds <= *options.if_source_unmodified_since) &&
                      (!options.if_source_modified_since || options.if_source_differs ||
                       seconds > *options.if_source_modified_since);
    if (!held) return fail(ErrorCode::store_precondition_failed, "the source is not the expected object");
    return {};
}

}  // namespace

Result<StoredObject> Objects::copy(const ObjectName& from, const ObjectName& to,
                                   const StoreCopyOptions& options) {
    return guarded([&]() -> Result<StoredObject> {
        if (auto good = check_key(to.key); !good) return fail(good.error());
        auto reader = read(from.bucket, from.key);
        if (!reader) return fail(reader.error());
        const FolderReader::State& source = *reader->state_;
        if (auto held = check_source(source.object(), options); !held) return fail(held.error());
        if (auto fits = state_.check_size(to.bucket, source.object().size); !fits) return fail(fits.error());
        const bool changes = options.replace || options.checksum ||
                             options.storage_class != source.object().headers.storage_class;
        if (from.bucket == to.bucket && from.key == to.key && !changes)
            return fail(ErrorCode::store_refused, "a copy of an object onto itself changes nothing");

        NewBodies bodies{state_};
        for (std::size_t i = 0; i < source.open->segments.size(); ++i) {
            auto file = source.file_of(i);
            if (!file) return fail(file.error());
            auto added = bodies.add(*file, state_.bodies->path_of(source.open->segments[i].body));
            if (!added) return fail(added.error());
        }
        ObjectRow row = source.open->row;
        row.content = bodies.numbers().front();
        if (options.replace) row.object.headers = *options.replace;
        row.object.headers.tags = options.replace_tags.value_or(source.object().headers.tags);
        row.object.headers.storage_class = options.storage_class;
        if (options.checksum) {
            auto checksum = checksum_of(*reader, *options.checksum);
            if (!checksum) return fail(checksum.error());
            row.object.checksum = std::move(*checksum);
        }
        const auto outcome = state_.commit(
            [&](Transaction& transaction) -> Result<> {
                const auto in = state_.bucket_id(transaction.index, to.bucket);
                auto held = state_.discard_current(transaction, in, to.key, options.condition);
                if (!held) return held;
                if (row.object.part_count > 0) {
                    for (std::size_t i = 0; i < source.open->segments.size(); ++i)
                        transaction.index.query("add_segment")
                            .number(row.content)
                            .number(static_cast<std::int64_t>(i))
                            .number(bodies.numbers()[i])
                            .number(source.open->segments[i].size)
                            .text(source.open->segments[i].md5)
                            .run();
                }
                row.object.last_modified = state_.clock.now();
                row.object.sequence = transaction.next_sequence();
                state_.put_row(transaction, in, to.key, row);
                return {};
            },
            bodies.folders());
        if (outcome.result || outcome.landed == FolderCommitter::Landed::unknown) bodies.keep();
        if (!outcome.result) return fail(outcome.result.error());
        state_.announce(to.bucket, to.key, row.object, Creation::copy);
        return std::move(row.object);
    });
}

}  // namespace photogate::storage::builtin

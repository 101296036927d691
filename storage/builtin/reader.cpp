#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "storage/builtin/stream_state.hpp"

namespace photogate::storage::builtin {

namespace {

Error gone() {
    return {ErrorCode::file_error, "an object's bytes are missing in the store's folder"};
}

}  // namespace

FolderReader::State::~State() {
    if (!pinned) return;
    store.pins.drop(open->row.content);
    store.collector->wake();
}

Result<std::unique_ptr<FolderReader::State>> FolderReader::State::of(StoreState& store, ObjectRow row) {
    auto found = std::make_shared<OpenObject>();
    found->row = std::move(row);
    const StoredObject& object = found->row.object;
    const std::uint64_t content = found->row.content;
    auto reader = std::make_unique<State>(store, found);
    if (object.part_count == 0) {
        found->segments.push_back({content, 0, object.size, object.etag.str()});
        auto file = store.files.open(store.bodies->path_of(content));
        if (!file) return fail(file.error());
        if (!*file) return nullptr;
        found->file = std::move(**file);
        return reader;
    }
    // Pin first, then look up: bodies that are still referred to then are kept.
    store.pins.add(content);
    reader->pinned = true;
    auto index = store.readers.take();
    Query query = index->query("segments");
    query.number(content);
    std::uint64_t start = 0;
    while (query.step()) {
        found->segments.push_back({query.count_at(0), start, query.count_at(1), query.text_at(2)});
        start += found->segments.back().size;
    }
    if (found->segments.empty()) return nullptr;
    reader->files.resize(found->segments.size());
    return reader;
}

const Segment* FolderReader::State::segment_at(std::uint64_t offset, std::size_t& index) const {
    if (offset >= object().size) return nullptr;
    const std::vector<Segment>& segments = open->segments;
    const auto after =
        std::upper_bound(segments.begin(), segments.end(), offset,
                         [](std::uint64_t wanted, const Segment& segment) { return wanted < segment.start; });
    index = static_cast<std::size_t>(after - segments.begin()) - 1;
    return &segments[index];
}

Result<int> FolderReader::State::file_of(std::size_t index) const {
    if (open->file) return open->file.get();
    const std::lock_guard lock{mutex};
    if (!files[index]) {
        auto file = store.files.open(store.bodies->path_of(open->segments[index].body));
        if (!file) return fail(file.error());
        if (!*file) return fail(gone());
        files[index] = std::move(**file);
    }
    return files[index].get();
}

FolderReader::FolderReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
FolderReader::~FolderReader() = default;
FolderReader::FolderReader(FolderReader&&) noexcept = default;
FolderReader& FolderReader::operator=(FolderReader&&) noexcept = default;

const StoredObject& FolderReader::object() const {
    return state_->object();
}

std::vector<ByteSize> FolderReader::part_sizes() const {
    std::vector<ByteSize> sizes;
    if (state_->object().part_count == 0) return sizes;
    for (const Segment& segment : state_->open->segments)
        sizes.push_back(segment.size);
    return sizes;
}

Result<FilePiece> FolderReader::piece_at(std::uint64_t offset) const {
    std::size_t index = 0;
    const Segment* segment = state_->segment_at(offset, index);
    if (segment == nullptr) return fail(ErrorCode::range_not_satisfiable, "the object ends before");
    auto file = state_->file_of(index);
    if (!file) return fail(file.error());
    return FilePiece{*file, offset - segment->start, segment->start + segment->size - offset};
}

Result<std::size_t> FolderReader::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    std::size_t filled = 0;
    while (filled < out.size() && offset + filled < state_->object().size) {
        auto piece = piece_at(offset + filled);
        if (!piece) return fail(piece.error());
        const auto wanted = std::min<std::uint64_t>(piece->length, out.size() - filled);
        const ssize_t got =
            ::pread(piece->descriptor, out.data() + filled, wanted, static_cast<off_t>(piece->offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(file_failure("an object could not be read", errno));
        if (got == 0)
            return fail(ErrorCode::file_error, "an object's file is shorter than when it was written");
        filled += static_cast<std::size_t>(got);
    }
    return filled;
}

}  // namespace photogate::storage::builtin

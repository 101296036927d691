#include "storage/objects/object_store.hpp"

#include <algorithm>

namespace photogate::storage::objects {

namespace {

constexpr std::uint64_t kPiece = 256U << 10;

}  // namespace

Result<FilePiece> ObjectReader::piece_at(std::uint64_t) const {
    return fail(ErrorCode::internal, "the object does not lie in files here");
}

Result<ObjectInfo> ObjectStore::get(const Bucket& bucket, const ObjectKey& key, const GetOptions& options,
                                    const http::BodySink& sink) {
    auto reader = open(bucket, key, options);
    if (!reader) return fail(std::move(reader.error()));
    Bytes piece(static_cast<std::size_t>(std::clamp<std::uint64_t>((*reader)->length(), 1, kPiece)));
    while (true) {
        const auto got = (*reader)->read(piece);
        if (!got) return fail(got.error());
        if (*got == 0) return (*reader)->info();
        if (!sink({piece.data(), *got}))
            return fail(ErrorCode::http_broken, "the receiver of the object stopped it");
    }
}

}  // namespace photogate::storage::objects

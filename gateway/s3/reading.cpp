// GetObject and HeadObject.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/s3/conditions.hpp"
#include "gateway/s3/description.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/writing.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::StoredObject;

namespace {

/// The query may set these response headers, since it is always signed.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOverrides{{
    {"response-content-type", "Content-Type"},
    {"response-content-language", "Content-Language"},
    {"response-expires", "Expires"},
    {"response-cache-control", "Cache-Control"},
    {"response-content-disposition", "Content-Disposition"},
    {"response-content-encoding", "Content-Encoding"},
}};

/// Keeps the reader's files open while they are sent.
class ReaderSource final : public http::FileSource {
  public:
    explicit ReaderSource(storage::builtin::FolderReader reader) : reader_(std::move(reader)) {}
    Result<Extent> at(std::uint64_t offset) const override {
        auto piece = reader_.piece_at(offset);
        if (!piece) return fail(std::move(piece.error()));
        return Extent{piece->descriptor, piece->offset, piece->length};
    }

  private:
    storage::builtin::FolderReader reader_;
};

/// `?partNumber=` of a read: the part's range, and the number of parts.
S3Result<std::optional<Stretch>> part_asked(const Call& call, const StoredObject& object,
                                            const std::vector<ByteSize>& sizes) {
    if (!call.address.has("partNumber")) return std::nullopt;
    const auto number = part_number(call);
    if (!number) return refuse(number.error());
    if (sizes.empty() && *number == 1) {
        // No bytes are no range of bytes.
        if (object.size == 0) return std::nullopt;
        return Stretch{0, object.size};
    }
    if (*number > sizes.size()) return refuse(Code::InvalidPartNumber);
    Stretch stretch{0, sizes[*number - 1]};
    for (std::uint32_t i = 0; i + 1 < *number; ++i)
        stretch.first += sizes[i];
    return stretch;
}

/// What is wrong with `?partNumber=` whatever the object is: S3 says it before it looks for the object.
S3Result<> check_part_asked(const Call& call) {
    if (!call.address.has("partNumber")) return {};
    if (auto number = part_number(call); !number) return refuse(number.error());
    if (call.request.headers.find("range"))
        return refuse(Code::InvalidRequest,
                      "Cannot specify both Range header and partNumber query parameter");
    return {};
}

S3Result<http::Response> shown(const Call& call, storage::builtin::FolderReader reader) {
    const StoredObject object = reader.object();
    const Validators validators{object.etag, object.last_modified};
    const auto verdict = judge(call.request, validators);
    if (!verdict) return refuse(verdict.error());
    http::Response response;
    describe(response, object);
    if (*verdict == Verdict::not_modified) {
        response.status = 304;
        response.body = std::string{};
        return response;
    }
    Stretch stretch{0, object.size};
    const auto sizes = reader.part_sizes();
    auto range = part_asked(call, object, sizes);
    if (range && !*range && range_applies(call.request, validators))
        range = read_range(call.request, object.size);
    if (!range) return refuse(range.error());
    if (*range) {
        stretch = **range;
        response.status = 206;
        response.set(
            "Content-Range",
            fmt::format("bytes {}-{}/{}", stretch.first,
                        stretch.first + std::max<std::uint64_t>(stretch.length, 1) - 1, object.size));
        if (!sizes.empty() && call.address.has("partNumber"))
            response.set("x-amz-mp-parts-count", std::to_string(sizes.size()));
    }
    for (const auto& [parameter, header] : kOverrides) {
        const auto* value = call.address.parameter(parameter);
        if (value != nullptr && !value->empty()) response.set(header, *value);
    }
    const auto mode = call.given("x-amz-checksum-mode");
    if (mode && ascii::equals_ignoring_case(*mode, "ENABLED") && object.checksum && response.status == 200) {
        response.set(header_of(object.checksum->algorithm), object.checksum->value);
        response.set("x-amz-checksum-type", to_string(object.checksum->type));
    }
    response.body =
        http::FileBody{std::make_shared<ReaderSource>(std::move(reader)), stretch.first, stretch.length};
    return response;
}

}  // namespace

S3Result<> check_version(const Call& call) {
    const auto* version = call.address.parameter("versionId");
    if (version != nullptr && !version->empty() && *version != "null") return refuse(Code::NoSuchVersion);
    return {};
}

void read_object(Dependencies& dependencies, CallPtr call) {
    if (auto sane = check_part_asked(*call); !sane) return call->refuse(sane.error());
    if (!call->address.has("versionId")) {
        // An object that is already open needs neither waiting nor another thread.
        if (auto reader = dependencies.store.objects().read_if_open(call->bucket(), call->key()))
            return call->reply(shown(*call, std::move(*reader)));
    }
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto known = check_version(*call); !known) return refuse(known.error());
        auto reader = dependencies.store.objects().read(call->bucket(), call->key());
        if (!reader) return refuse(of(reader.error()));
        return shown(*call, std::move(*reader));
    });
}

}  // namespace photogate::gateway::s3

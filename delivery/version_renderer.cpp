#include "delivery/version_renderer.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <zlib.h>

#include "base/log.hpp"
#include "imaging/memory_file.hpp"
#include "model/object_layout.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::delivery {
namespace {

using storage::records::ClaimedVersion;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;
using storage::records::VersionFailing;
using storage::records::VersionFailure;
using Cost = VersionFailure::Cost;

constexpr std::chrono::milliseconds kSoon{1'000};
/// The orphan collector is at the object: it has ended by then.
constexpr std::chrono::milliseconds kAfterSweep{5'000};

std::chrono::seconds in_seconds(std::chrono::milliseconds time) {
    return std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(time));
}

Error later(ErrorCode code, std::string detail, std::chrono::milliseconds time) {
    return Error{code, std::move(detail), {}, in_seconds(time)};
}

/// What says something about this picture, and not only that something it needs is away.
Cost cost_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::imager_crashed:
        case ErrorCode::imager_timeout:
        case ErrorCode::invalid_configuration:
        case ErrorCode::internal:
            return Cost::attempt;
        default:
            return Cost::free;
    }
}

}  // namespace

struct VersionRenderer::Claimed {
    const VersionOrder& order;
    storage::records::VersionName name;
    ClaimedVersion claim;
};

struct VersionRenderer::Failure {
    Error error;  ///< what whoever asked is told
    VersionFailure recorded;
};

VersionRenderer::Attempt VersionRenderer::attempt(const VersionOrder& order, Deadline deadline) const {
    const auto name = order.name();
    auto claim = dependencies_.versions.claim(name, options_.lease);
    if (!claim) return std::move(claim.error());
    if (auto* stored = std::get_if<StoredVersion>(&*claim)) return std::move(*stored);
    if (const auto* elsewhere = std::get_if<VersionElsewhere>(&*claim)) return *elsewhere;
    if (const auto* failing = std::get_if<VersionFailing>(&*claim)) {
        return later(ErrorCode::unavailable,
                     "this version could not be made (" + failing->code + ") and is not tried again yet",
                     failing->until);
    }
    auto made = make({order, name, std::get<ClaimedVersion>(std::move(*claim))}, deadline);
    if (!made) return std::move(made.error());
    return std::move(*made);
}

tl::unexpected<Error> VersionRenderer::give_up(const Claimed& claimed, const Failure& failure) const {
    log::warn("version.failed", {{"upload", claimed.name.upload.str()},
                                 {"version", claimed.name.spec_key},
                                 {"code", failure.recorded.code},
                                 {"detail", failure.error.detail}});
    const auto given_up = dependencies_.versions.give_up(claimed.name, claimed.claim.token, failure.recorded);
    // Then its lease runs out.
    if (!given_up)
        log::warn("version.not_given_up", {{"upload", claimed.name.upload.str()},
                                           {"code", photogate::to_string(given_up.error().code)}});
    return fail(failure.error);
}

Result<StoredVersion> VersionRenderer::make(const Claimed& claimed, Deadline deadline) const {
    auto picture = render(claimed, deadline);
    if (!picture) return fail(std::move(picture.error()));
    return store(claimed, std::move(*picture));
}

Result<imaging::Published> VersionRenderer::render(const Claimed& claimed, Deadline deadline) const {
    const auto& source = claimed.order.source;
    const auto failed = [&](const Error& error) {
        const auto cost = cost_of(error.code);
        auto pause = kSoon;
        if (cost == Cost::attempt) {
            const auto doubled = options_.first_pause * (1U << std::min(claimed.claim.failures, 16U));
            pause = std::min<std::chrono::milliseconds>(doubled, options_.longest_pause);
        }
        Error told = error;
        if (cost == Cost::attempt)
            told = later(ErrorCode::unavailable, "this version could not be made; try again later", pause);
        if (error.code == ErrorCode::overloaded && !told.retry_after) told.retry_after = in_seconds(pause);
        return give_up(claimed,
                       {std::move(told), {std::string{photogate::to_string(error.code)}, pause, cost}});
    };

    auto reader = dependencies_.images.open(source, std::nullopt);
    if (!reader && reader.error().code == ErrorCode::store_no_such_key)
        return failed(Error{ErrorCode::gone, "the image was deleted", {}, std::nullopt});
    if (!reader) return failed(reader.error());
    auto file = imaging::MemoryFile::create("version");
    if (!file) return failed(file.error());
    std::array<std::uint8_t, 64U << 10> piece{};
    while (file->size() < source.size) {
        const auto got = (*reader)->read(piece);
        if (!got) return failed(got.error());
        if (*got == 0 || *got > source.size - file->size())
            return failed(Error{ErrorCode::store_protocol, "the image has another size", {}, std::nullopt});
        if (auto kept = file->append({piece.data(), *got}); !kept) return failed(kept.error());
    }
    reader->reset();
    if (auto sealed = file->seal(); !sealed) return failed(sealed.error());

    imaging::Task task;
    task.file = file->descriptor();
    task.size = file->size();
    task.limits.max_bytes = std::max(task.limits.max_bytes, source.size);
    task.render(claimed.order.spec);
    auto outcome =
        dependencies_.imagers.try_run(task, {.lane = imaging::Lane::on_demand, .deadline = deadline});
    if (!outcome) return failed(outcome.error());
    if (const auto* rejection = std::get_if<imaging::Rejection>(&*outcome)) {
        return give_up(claimed,
                       {later(ErrorCode::unavailable, "this version can't be made: " + rejection->detail,
                              options_.after_rejection),
                        {std::string{imaging::to_string(rejection->code)}, options_.after_rejection}});
    }
    return std::move(std::get<imaging::Processed>(*outcome).pictures.front());
}

Result<StoredVersion> VersionRenderer::store(const Claimed& claimed, imaging::Published picture) const {
    const auto& source = claimed.order.source;
    const auto& bucket = source.store->region.published;
    const auto sha256 = hex_lower(signer::sha256(picture.bytes));
    storage::records::NewVersion version;
    version.bucket = bucket;
    version.crc32 = static_cast<std::uint32_t>(
        ::crc32_z(::crc32_z(0, nullptr, 0), picture.bytes.data(), picture.bytes.size()));
    auto& image = version.image;
    image.key = model::version_key(source.public_id, hex_lower(signer::sha256(claimed.name.spec_key)), sha256,
                                   imaging::file_extension(picture.format));
    image.sha256 = sha256;
    image.format = imaging::to_string(picture.format);
    image.width = picture.width;
    image.height = picture.height;
    image.size = picture.bytes.size();

    storage::objects::PutOptions options;
    options.content_type = imaging::media_type(picture.format);
    options.cache_control = "public, max-age=31536000, immutable";
    options.content_disposition = "inline";
    options.sha256 = sha256;
    auto& objects = *source.store->objects;
    const auto put = objects.put(bucket, image.key, storage::http::MemorySource{picture.bytes}, options);
    if (!put)
        return give_up(
            claimed, {put.error(), {std::string{photogate::to_string(put.error().code)}, kSoon, Cost::free}});
    image.etag = put->etag;

    auto stored = dependencies_.versions.finish(claimed.name, claimed.claim.token, version);
    if (stored) {
        log::info("version.made", {{"upload", claimed.name.upload.str()},
                                   {"version", claimed.name.spec_key},
                                   {"bytes", image.size}});
        return stored;
    }
    if (stored.error().code == ErrorCode::gone) {
        // Deleted meanwhile: what was put just now must not stay until the orphan collector comes.
        if (auto removed = objects.remove(bucket, image.key, std::nullopt); !removed)
            log::warn("version.left_behind", {{"bucket", bucket.str()}, {"key", image.key.str()}});
        return fail(std::move(stored.error()));
    }
    if (stored.error().code == ErrorCode::lease_lost)
        return fail(later(ErrorCode::unavailable, "another gateway makes this version; try again", kSoon));
    const auto pause = stored.error().code == ErrorCode::state_conflict ? kAfterSweep : kSoon;
    return give_up(claimed,
                   {later(ErrorCode::unavailable, "the version could not be recorded; try again", pause),
                    {std::string{photogate::to_string(stored.error().code)}, pause, Cost::free}});
}

}  // namespace photogate::delivery

#include "delivery/version_renderer.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "delivery/version_object.hpp"
#include "signer/digest.hpp"

namespace photogate::delivery {
namespace {

using storage::records::ClaimedVersion;
using storage::records::StoredVersion;
using storage::records::VersionElsewhere;
using storage::records::VersionFailing;
using storage::records::VersionFailure;
using storage::records::VersionsFull;
using Cost = VersionFailure::Cost;

constexpr std::chrono::milliseconds kRetrySoon{1'000};
constexpr std::chrono::milliseconds kUntilRoom{3'600'000};  ///< versions that nobody asks for are removed
/// Of an attempt that was left because nobody waits for it. Nobody is told.
constexpr ErrorCode kLeft = ErrorCode::lease_lost;
/// The orphan collector is at the object: it has ended by then.
constexpr std::chrono::milliseconds kAfterSweep{5'000};

std::chrono::seconds in_seconds(std::chrono::milliseconds time) {
    return std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(time));
}

Error later(ErrorCode code, std::string detail, std::chrono::milliseconds time) {
    return Error{code, std::move(detail), {}, in_seconds(time)};
}

Error left() {
    return Error{kLeft, "nobody waits for it", {}, std::nullopt};
}

/// Whoever asks next begins it at once.
VersionFailure not_begun() {
    return {"unwanted", std::chrono::milliseconds{0}, Cost::free};
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
    Deadline deadline;
    const Wanted& wanted;
    bool is_wanted() const { return !wanted || wanted(); }
};

struct VersionRenderer::Failure {
    Error error;  ///< what whoever asked is told
    VersionFailure recorded;
};

VersionRenderer::Attempt VersionRenderer::attempt(const VersionOrder& order, Deadline deadline,
                                                  const Wanted& wanted) const {
    const auto name = order.name();
    if (wanted && !wanted()) return Unwanted{};
    auto claim = dependencies_.versions.claim(
        name, options_.lease, order.counted ? std::make_optional(options_.most_of_image) : std::nullopt);
    if (!claim) return std::move(claim.error());
    if (auto* stored = std::get_if<StoredVersion>(&*claim)) return std::move(*stored);
    if (const auto* elsewhere = std::get_if<VersionElsewhere>(&*claim)) return *elsewhere;
    if (const auto* failing = std::get_if<VersionFailing>(&*claim)) {
        return later(ErrorCode::unavailable,
                     "this version could not be made (" + failing->code + ") and is not tried again yet",
                     failing->until);
    }
    if (std::holds_alternative<VersionsFull>(*claim)) {
        return later(ErrorCode::rate_limited,
                     "the image has as many versions as it may have; ask for one of its sizes", kUntilRoom);
    }
    failpoint::pass(failpoint::Point::after_version_claim);
    const Claimed claimed{order, name, std::get<ClaimedVersion>(std::move(*claim)), deadline, wanted};
    auto made = make(claimed);
    if (made) return std::move(*made);
    if (made.error().code == kLeft) return Unwanted{};
    return std::move(made.error());
}

tl::unexpected<Error> VersionRenderer::give_up(const Claimed& claimed, const Failure& failure) const {
    if (failure.error.code != kLeft)
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

tl::unexpected<Error> VersionRenderer::failed(const Claimed& claimed, const Error& error) const {
    const auto cost = cost_of(error.code);
    auto pause = kRetrySoon;
    if (cost == Cost::attempt) {
        const auto doubled = options_.first_pause * (1U << std::min(claimed.claim.failures, 16U));
        pause = std::min<std::chrono::milliseconds>(doubled, options_.longest_pause);
    }
    Error told = error;
    if (cost == Cost::attempt)
        told = later(ErrorCode::unavailable, "this version could not be made; try again later", pause);
    if (error.code == ErrorCode::overloaded && !told.retry_after) told.retry_after = in_seconds(pause);
    return give_up(claimed, {std::move(told), {std::string{photogate::to_string(error.code)}, pause, cost}});
}

Result<StoredVersion> VersionRenderer::make(const Claimed& claimed) const {
    auto picture = render(claimed);
    if (!picture) return fail(std::move(picture.error()));
    if (auto reached = failpoint::reach(failpoint::Point::after_version_image); !reached)
        return failed(claimed, reached.error());
    return store(claimed, std::move(*picture));
}

Result<imaging::MemoryFile> VersionRenderer::fetch(const Claimed& claimed) const {
    const auto& source = claimed.order.source;
    auto reader = dependencies_.images.open(source, std::nullopt);
    if (!reader && reader.error().code == ErrorCode::store_no_such_key)
        return fail(ErrorCode::gone, "the image was deleted");
    if (!reader) return fail(reader.error());
    auto file = imaging::MemoryFile::create("version");
    if (!file) return file;
    signer::Sha256Stream hash;
    std::array<std::uint8_t, 64U << 10> piece{};
    while (file->size() < source.size) {
        if (!claimed.is_wanted()) return fail(left());
        const auto got = (*reader)->read(piece);
        if (!got) return fail(got.error());
        if (auto reached = failpoint::reach(failpoint::Point::mid_version_fetch); !reached)
            return fail(reached.error());
        if (*got == 0 || *got > source.size - file->size())
            return fail(ErrorCode::store_protocol, "the image has another size");
        const BytesView bytes{piece.data(), *got};
        hash.update(bytes);
        if (auto kept = file->append(bytes); !kept) return fail(kept.error());
    }
    // Under the right ETag, too, a store may return other bytes: what is made of those is not ours.
    if (hex_lower(hash.finish()) != source.sha256)
        return fail(ErrorCode::store_checksum_mismatch, "the store returned other bytes than were published");
    if (auto sealed = file->seal(); !sealed) return fail(sealed.error());
    return file;
}

Result<imaging::Published> VersionRenderer::render(const Claimed& claimed) const {
    const auto& source = claimed.order.source;
    auto file = fetch(claimed);
    if (!file) {
        if (file.error().code == kLeft) return give_up(claimed, {left(), not_begun()});
        return failed(claimed, file.error());
    }
    imaging::Task task;
    task.file = file->descriptor();
    task.size = file->size();
    task.limits.max_bytes = std::max(task.limits.max_bytes, source.size);
    task.render(claimed.order.spec);
    const imaging::Terms terms{.lane = options_.lane,
                               .priority = options_.priority,
                               .deadline = claimed.deadline,
                               .wanted = claimed.wanted};
    auto outcome = dependencies_.imagers.try_run(task, terms);
    if (!outcome && outcome.error().code == ErrorCode::overloaded && !claimed.is_wanted())
        return give_up(claimed, {left(), not_begun()});
    if (!outcome) return failed(claimed, outcome.error());
    if (const auto* rejection = std::get_if<imaging::Rejection>(&*outcome)) {
        return give_up(claimed,
                       {later(ErrorCode::unavailable, "this version can't be made: " + rejection->detail,
                              options_.after_rejection),
                        {std::string{imaging::to_string(rejection->code)}, options_.after_rejection}});
    }
    return std::move(std::get<imaging::Processed>(*outcome).pictures.front());
}

Result<StoredVersion> VersionRenderer::store(const Claimed& claimed,
                                             const imaging::Published& picture) const {
    const auto& source = claimed.order.source;
    const auto& bucket = source.store->region.published;
    auto put = put_version(*source.store, source.public_id, claimed.name.spec_key, picture);
    if (!put)
        return give_up(
            claimed,
            {put.error(), {std::string{photogate::to_string(put.error().code)}, kRetrySoon, Cost::free}});
    const storage::records::NewVersion version{std::move(put->image), bucket, put->crc32};
    const auto& image = version.image;
    if (auto reached = failpoint::reach(failpoint::Point::after_version_put); !reached)
        return failed(claimed, reached.error());

    auto stored = dependencies_.versions.finish(claimed.name, claimed.claim.token, version);
    if (stored) {
        failpoint::pass(failpoint::Point::after_version_commit);
        log::info("version.made", {{"upload", claimed.name.upload.str()},
                                   {"version", claimed.name.spec_key},
                                   {"bytes", image.size}});
        return stored;
    }
    if (stored.error().code == ErrorCode::gone) {
        // Deleted meanwhile: what was put just now must not stay until the orphan collector comes.
        if (auto removed = source.store->objects->remove(bucket, image.key, std::nullopt); !removed)
            log::warn("version.left_behind", {{"bucket", bucket.str()}, {"key", image.key.str()}});
        return fail(std::move(stored.error()));
    }
    if (stored.error().code == ErrorCode::lease_lost)
        return fail(
            later(ErrorCode::unavailable, "another gateway makes this version; try again", kRetrySoon));
    const auto pause = stored.error().code == ErrorCode::state_conflict ? kAfterSweep : kRetrySoon;
    return give_up(claimed,
                   {later(ErrorCode::unavailable, "the version could not be recorded; try again", pause),
                    {std::string{photogate::to_string(stored.error().code)}, pause, Cost::free}});
}

}  // namespace photogate::delivery

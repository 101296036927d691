#include "pipeline/processor.hpp"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <zlib.h>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "model/object_layout.hpp"
#include "pipeline/catalog.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::pipeline {
namespace {

using model::Job;
using model::Postponement;
using Steady = std::chrono::steady_clock;

/// Before a file that ran out of time is tried once more.
constexpr std::chrono::seconds kDelayAfterTimeout{5};

std::chrono::microseconds since(Steady::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - start);
}

/// A finished picture is worth some patience: the database may be restarting. The lease is the limit; after
/// it another worker starts anew.
template <class Call>
auto persist(const Call& call) {
    constexpr int kTries = 40;
    for (int attempt = 1;; ++attempt) {
        auto result = call();
        const bool later = !result && (result.error().code == ErrorCode::database_unavailable ||
                                       result.error().code == ErrorCode::database_conflict ||
                                       result.error().code == ErrorCode::unavailable);
        if (!later || attempt == kTries) return result;
        std::this_thread::sleep_for(std::chrono::seconds{1});
    }
}

void log_outcome(const Job& job, std::string_view what, const Error& error) {
    log::warn("job.not_recorded", {{"upload", job.upload.id.str()},
                                   {"step", what},
                                   {"code", to_string(error.code)},
                                   {"detail", error.detail}});
}

/// Which failures say something about this upload, and which only that a part of the house is away.
Postponement::Cost cost_of(ErrorCode code) {
    if (code == ErrorCode::imager_crashed) return Postponement::Cost::decoder_crash;
    if (code == ErrorCode::imager_timeout) return Postponement::Cost::timeout;
    if (code == ErrorCode::internal || code == ErrorCode::file_error || code == ErrorCode::size_mismatch)
        return Postponement::Cost::attempt;
    return Postponement::Cost::free;
}

/// A picture on its way into the public bucket.
class PublishedBytes final : public storage::http::BodySource {
  public:
    explicit PublishedBytes(BytesView bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
        if (!failpoint::reach(failpoint::Point::mid_public_put)) return std::nullopt;
        return bytes_.read(offset, out);
    }

  private:
    storage::http::MemorySource bytes_;
};

}  // namespace

/// How the download ended: with a spool, a verdict, or an error of the store.
struct Processor::Fetch {
    std::optional<Spool> spool;
    std::optional<model::RejectionFacts> rejection;
    std::optional<Error> error;
};

Processor::Processor(ProcessorParts parts) : parts_(std::move(parts)) {}

void Processor::run(const Job& job) {
    try {
        switch (job.kind) {
            case model::JobKind::process:
                process(job);
                break;
            case model::JobKind::settle_original:
                settle_original(job);
                break;
            case model::JobKind::remove_published:
                remove_published(job);
                break;
        }
    } catch (const std::exception& problem) {
        // A bug or an exhausted machine: this attempt is spent, the next may do better.
        log::error("job.exception", {{"upload", job.upload.id.str()}, {"what", problem.what()}});
        postpone(job, Postponement::Cost::attempt,
                 Error{ErrorCode::internal, "the worker failed unexpectedly", {}, std::nullopt});
    }
}

void Processor::process(const Job& job) {
    const auto& upload = job.upload;
    const auto policy = Catalog{parts_.apps, parts_.stores}.policy_of(upload);
    if (!policy || !upload.pinned) {
        // Configuration may come back; the picture must not be lost over it.
        return postpone(job, Postponement::Cost::free,
                        Error{ErrorCode::invalid_configuration,
                              policy ? "the upload has no pinned object" : policy.error().detail,
                              {},
                              std::nullopt});
    }
    const auto* store = policy->store;
    const auto* profile = policy->profile;

    StageTimes times;
    auto start = Steady::now();
    auto fetched = fetch(upload, *profile, *store);
    times.fetch = since(start);
    if (fetched.rejection)
        return reject(job, *profile, fetched.rejection->code, fetched.rejection->detail, nullptr);
    if (fetched.error) {
        if (fetched.error->code == ErrorCode::store_precondition_failed) return repin(job, *store);
        if (fetched.error->code != ErrorCode::store_no_such_key)
            return postpone(job, cost_of(fetched.error->code), *fetched.error);
        if (job.attempt < 3) return postpone(job, Postponement::Cost::attempt, *fetched.error);
        return reject(job, *profile, "gone",
                      "the object was removed from the store before it could be processed", nullptr);
    }

    imaging::Task task;
    task.file = fetched.spool->file.descriptor();
    task.size = fetched.spool->file.size();
    task.declared_type = upload.declared_type;
    task.accepted = profile->formats;
    task.limits = profile->limits;
    task.publish(profile->recipe.facts, {profile->recipe.version});
    start = Steady::now();
    const auto outcome = parts_.process_image(task);
    times.image = since(start);
    if (!outcome) {
        if (outcome.error().code == ErrorCode::imager_timeout && job.ran_out_of_time) {
            return reject(job, *profile, std::string{imaging::to_string(imaging::RejectionCode::timeout)},
                          "the picture took too long to process, twice", &*fetched.spool);
        }
        return postpone(job, cost_of(outcome.error().code), outcome.error());
    }
    if (const auto reached = failpoint::reach(failpoint::Point::after_image); !reached)
        return postpone(job, Postponement::Cost::free, reached.error());
    if (const auto* rejection = std::get_if<imaging::Rejection>(&*outcome)) {
        return reject(job, *profile, std::string{imaging::to_string(rejection->code)}, rejection->detail,
                      &*fetched.spool);
    }
    publish(job, *profile, *store, *fetched.spool, std::get<imaging::Processed>(*outcome), times);
}

Processor::Fetch Processor::fetch(const model::Upload& upload, const model::Profile& profile,
                                  const Store& store) const {
    const auto refuse = [](std::string code, std::string detail) {
        return Fetch{std::nullopt, model::RejectionFacts{std::move(code), std::move(detail)}, std::nullopt};
    };
    const ByteSize limit = profile.limits.max_bytes;
    const auto too_large = [&] {
        return refuse("too_large", fmt::format("the file is larger than the profile's {} bytes", limit));
    };
    if (upload.pinned->size && *upload.pinned->size > limit) return too_large();

    auto file = imaging::MemoryFile::create("upload");
    if (!file) return {std::nullopt, std::nullopt, file.error()};
    signer::Sha256Stream hash;
    bool over_limit = false;
    std::optional<Error> spool_error;
    storage::objects::GetOptions pinned;
    pinned.if_match = upload.pinned->etag;
    pinned.version = upload.pinned->version;
    pinned.expected_size = upload.pinned->size;
    const auto spool = [&](BytesView chunk) {
        if (file->size() + chunk.size() > limit) {
            over_limit = true;
            return false;
        }
        if (const auto reached = failpoint::reach(failpoint::Point::mid_fetch); !reached)
            spool_error = reached.error();
        hash.update(chunk);
        if (const auto kept = file->append(chunk); !kept && !spool_error) spool_error = kept.error();
        return !spool_error;
    };
    auto info = store.objects->get(upload.bucket, upload.key, pinned, spool);
    if (!info && info.error().code == ErrorCode::size_mismatch) {
        // The event told a wrong size, or this answer has one. What the store says when asked for it decides;
        // bytes that are too many must not pass for the client's.
        auto head = pinned;
        head.expected_size.reset();
        const auto there = store.objects->head(upload.bucket, upload.key, head);
        if (!there) return {std::nullopt, std::nullopt, there.error()};
        if (there->size == *pinned.expected_size) return {std::nullopt, std::nullopt, info.error()};
        pinned.expected_size = there->size;
        info = store.objects->get(upload.bucket, upload.key, pinned, spool);
    }
    if (over_limit) return too_large();
    if (spool_error) return {std::nullopt, std::nullopt, spool_error};
    if (!info) return {std::nullopt, std::nullopt, info.error()};
    if (const auto sealed = file->seal(); !sealed) return {std::nullopt, std::nullopt, sealed.error()};

    const auto digest = hash.finish();
    if (upload.declared_size && *upload.declared_size != file->size()) {
        return refuse("size_mismatch", fmt::format("the file has {} bytes, {} were declared", file->size(),
                                                   *upload.declared_size));
    }
    if (upload.declared_sha256 && *upload.declared_sha256 != base64(digest)) {
        return refuse("checksum_mismatch", "the file's SHA-256 is another than was declared");
    }
    return {Spool{std::move(*file), hex_lower(digest)}, std::nullopt, std::nullopt};
}

void Processor::publish(const Job& job, const model::Profile& profile, const Store& store, const Spool& spool,
                        const imaging::Processed& processed, StageTimes times) {
    const auto& upload = job.upload;
    const auto& picture = processed.picture();
    const auto sha256 = hex_lower(signer::sha256(picture.bytes));
    const auto key = model::published_key(upload.public_id, sha256, imaging::file_extension(picture.format));

    storage::objects::PutOptions options;
    options.content_type = imaging::media_type(picture.format);
    options.cache_control = "public, max-age=31536000, immutable";
    options.content_disposition = "inline";
    options.sha256 = sha256;
    auto start = Steady::now();
    const auto stored =
        store.objects->put(store.region.published, key, PublishedBytes{picture.bytes}, options);
    times.put = since(start);
    if (!stored) return postpone(job, cost_of(stored.error().code), stored.error());
    if (const auto reached = failpoint::reach(failpoint::Point::after_public_put); !reached)
        return postpone(job, Postponement::Cost::free, reached.error());

    model::Publication publication;
    publication.facts.content_type = imaging::media_type(processed.original_format);
    publication.facts.size = spool.file.size();
    publication.facts.sha256 = spool.sha256;
    publication.facts.width = processed.width;
    publication.facts.height = processed.height;
    publication.facts.exif_json = processed.exif_json;
    publication.facts.privacy_json = processed.privacy_json;
    publication.facts.placeholder = processed.thumb_hash;
    publication.facts.perceptual_hash = processed.perceptual_hash;
    publication.image = {key,
                         stored->etag,
                         sha256,
                         std::string{imaging::to_string(picture.format)},
                         picture.width,
                         picture.height,
                         picture.bytes.size()};
    publication.bucket = store.region.published;
    publication.crc32 = static_cast<std::uint32_t>(
        ::crc32_z(::crc32_z(0, nullptr, 0), picture.bytes.data(), picture.bytes.size()));
    publication.original = profile.original;
    start = Steady::now();
    const auto published = persist([&] { return parts_.publications.publish(job.lease, publication); });
    times.commit = since(start);
    // The sweeper was at an orphan of this very name: the object must be put again.
    if (!published && published.error().code == ErrorCode::state_conflict)
        return postpone(job, Postponement::Cost::free, published.error());
    if (!published) return log_outcome(job, "publish", published.error());
    failpoint::pass(failpoint::Point::after_publish_commit);
    log::info("upload.published", {{"upload", upload.id.str()},
                                   {"fetch_ms", static_cast<double>(times.fetch.count()) / 1000},
                                   {"image_ms", static_cast<double>(times.image.count()) / 1000},
                                   {"put_ms", static_cast<double>(times.put.count()) / 1000},
                                   {"commit_ms", static_cast<double>(times.commit.count()) / 1000}});
    if (parts_.observer) parts_.observer(*published, times);
}

void Processor::reject(const Job& job, const model::Profile& profile, std::string code, std::string detail,
                       const Spool* spool) {
    model::Refusal refusal;
    refusal.rejection = {std::move(code), std::move(detail)};
    if (spool) {
        model::OriginalFacts facts;
        facts.size = spool->file.size();
        facts.sha256 = spool->sha256;
        refusal.facts = std::move(facts);
    }
    refusal.original = profile.rejected;
    const auto rejected = persist([&] { return parts_.publications.reject(job.lease, refusal); });
    if (!rejected) return log_outcome(job, "reject", rejected.error());
    failpoint::pass(failpoint::Point::after_reject_commit);
    log::info("upload.rejected", {{"upload", job.upload.id.str()}, {"code", refusal.rejection.code}});
    if (parts_.observer) parts_.observer(*rejected, {});
}

void Processor::postpone(const Job& job, Postponement::Cost cost, const Error& error) {
    Postponement why;
    why.cost = cost;
    why.code = to_string(error.code);
    why.detail = error.detail;
    // Full jitter, so that a store that comes back is not met by all at once.
    const auto ceiling = std::min<std::uint64_t>(10'000, 500ULL << std::min<std::uint32_t>(job.attempt, 5));
    why.delay = std::chrono::milliseconds{250 + parts_.random.below(ceiling)};
    if (error.retry_after)
        why.delay = std::max<std::chrono::milliseconds>(
            why.delay, std::min(*error.retry_after, std::chrono::seconds{60}));
    if (cost == Postponement::Cost::timeout)
        why.delay = std::max<std::chrono::milliseconds>(why.delay, kDelayAfterTimeout);
    const auto state = persist([&] { return parts_.jobs.postpone(job.lease, why); });
    if (!state) return log_outcome(job, "postpone", state.error());
    if (*state == model::UploadState::failed && parts_.observer) {
        if (const auto failed = parts_.uploads.find(std::nullopt, job.upload.id))
            parts_.observer(*failed, {});
    }
    log::warn("job.postponed", {{"upload", job.upload.id.str()},
                                {"code", why.code},
                                {"detail", why.detail},
                                {"attempt", job.attempt},
                                {"state", model::to_string(*state)},
                                {"delay_ms", why.delay.count()}});
}

void Processor::repin(const Job& job, const Store& store) {
    const auto info = store.objects->head(job.upload.bucket, job.upload.key, {});
    if (!info)
        return postpone(job,
                        info.error().code == ErrorCode::store_no_such_key ? Postponement::Cost::attempt
                                                                          : cost_of(info.error().code),
                        info.error());
    const auto state = persist([&] {
        return parts_.publications.repin(job.lease, {info->etag, info->size, info->version});
    });
    if (!state) return log_outcome(job, "repin", state.error());
    log::warn("upload.overwritten", {{"upload", job.upload.id.str()}, {"state", model::to_string(*state)}});
}

}  // namespace photogate::pipeline

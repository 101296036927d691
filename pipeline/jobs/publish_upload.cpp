#include "pipeline/jobs/publish_upload.hpp"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <zlib.h>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "base/tracing/tracing.hpp"
#include "imaging/memory_file.hpp"
#include "model/object_layout.hpp"
#include "pipeline/catalog.hpp"
#include "pipeline/confirmed_etag.hpp"
#include "pipeline/jobs/persist.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::pipeline::jobs {
namespace {

using model::Job;
using model::Postponement;
using Steady = std::chrono::steady_clock;

/// Before a file that ran out of time is tried once more.
constexpr std::chrono::seconds kDelayAfterTimeout{5};

/// Before a file is scanned once more on which the scanner failed.
constexpr std::chrono::seconds kDelayAfterFailedScan{15};
/// What waits for a gate is released when that is back; in case nobody does, it is due after this.
constexpr std::chrono::hours kLongestHold{1};

std::chrono::microseconds since(Steady::time_point start) {
    return std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - start);
}

/// Which failures say something about this upload, and which only that something it needs is away.
Postponement::Cost cost_of(ErrorCode code) {
    if (code == ErrorCode::imager_crashed) return Postponement::Cost::decoder_crash;
    if (code == ErrorCode::imager_timeout) return Postponement::Cost::timeout;
    if (code == ErrorCode::internal || code == ErrorCode::file_error || code == ErrorCode::size_mismatch)
        return Postponement::Cost::attempt;
    return Postponement::Cost::free;
}

Retry retry(const Error& error) {
    const auto cost = cost_of(error.code);
    const bool timed_out = cost == Postponement::Cost::timeout;
    return {error, cost, timed_out ? kDelayAfterTimeout : std::chrono::seconds{0}};
}

Retry not_configured(std::string what) {
    return {Error{ErrorCode::invalid_configuration, std::move(what), {}, std::nullopt}};
}

/// What the published image's row says of its watermark.
std::string watermark_of(const model::Profile& profile) {
    if (!profile.watermark) return {};
    if (profile.watermark->published == model::WatermarkPolicy::Published::clean) return model::kKeptClean;
    return profile.watermark->mark.identity();
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

struct PublishUpload::Spool {
    imaging::MemoryFile file;
    std::string sha256;  ///< lower-case hex
    std::uint32_t crc32 = 0;
};

/// How the download ended: with a spool, a verdict, or an error of the store.
struct PublishUpload::Fetch {
    std::optional<Spool> spool;
    std::optional<model::RejectionFacts> rejection;
    std::optional<Error> error;
};

struct PublishUpload::Work {
    const Job& job;
    const model::App& app;
    const model::Profile& profile;
    const Store& store;
    const StopSignal& stop;
};

PublishUpload::PublishUpload(Dependencies dependencies)
    : JobHandler(model::JobKind::process, Lane::cpu), dependencies_(std::move(dependencies)) {}

JobOutcome PublishUpload::run(const Job& job, const StopSignal& stop) {
    const auto& upload = job.upload;
    const auto policy = Catalog{dependencies_.apps, dependencies_.stores}.policy_of(upload);
    // Configuration may come back; the picture must not be lost over it.
    if (!policy) return not_configured(policy.error().detail);
    if (!upload.pinned) return not_configured("the upload has no pinned object");
    const auto& profile = policy->profile;
    const Work work{job, *policy->app, *profile, *policy->store, stop};
    if (dependencies_.gates.away) {
        if (auto away = dependencies_.gates.away(*profile))
            return Retry{std::move(away->error), Postponement::Cost::free, kLongestHold,
                         std::move(away->gate)};
    }

    StageTimes times;
    auto start = Steady::now();
    auto fetched = [&] {
        tracing::Span span{"fetch", tracing::Kind::client};
        auto got = fetch(work);
        span.set("photogate.region", upload.region);
        if (got.error) span.fail(to_string(got.error->code));
        return got;
    }();
    times.fetch = since(start);
    if (fetched.rejection) return reject(work, fetched.rejection->code, fetched.rejection->detail, nullptr);
    if (fetched.error) {
        if (fetched.error->code == ErrorCode::store_precondition_failed) return repin(work);
        if (fetched.error->code != ErrorCode::store_no_such_key) return retry(*fetched.error);
        if (job.attempt < 3) return Retry{*fetched.error, Postponement::Cost::attempt};
        return reject(work, "gone", "the object was removed from the store before it could be processed",
                      nullptr);
    }

    if (dependencies_.gates.scan) {
        start = Steady::now();
        tracing::Span span{"scan", tracing::Kind::client};
        auto ended = scan(work, *fetched.spool);
        times.scan = since(start);
        if (ended) return std::move(*ended);
    }

    imaging::Task task;
    task.file = fetched.spool->file.descriptor();
    task.size = fetched.spool->file.size();
    if (profile->declared_type == model::Profile::DeclaredType::enforced)
        task.declared_type = upload.declared_type;
    task.accepted = profile->formats;
    task.limits = profile->limits;
    task.party = job.party;
    task.publish(profile->recipe.facts, {profile->recipe.version});
    start = Steady::now();
    const auto outcome = [&] {
        tracing::Span span{"image"};
        span.set("photogate.image.bytes", static_cast<std::int64_t>(task.size));
        auto made = dependencies_.process_image(task);
        if (!made) span.fail(to_string(made.error().code));
        return made;
    }();
    times.image = since(start);
    if (!outcome) {
        if (outcome.error().code == ErrorCode::imager_timeout && job.ran_out_of_time) {
            return reject(work, std::string{imaging::to_string(imaging::RejectionCode::timeout)},
                          "the picture took too long to process, twice", &*fetched.spool);
        }
        return retry(outcome.error());
    }
    if (const auto reached = failpoint::reach(failpoint::Point::after_image); !reached)
        return Retry{reached.error()};
    if (const auto* rejection = std::get_if<imaging::Rejection>(&*outcome)) {
        return reject(work, std::string{imaging::to_string(rejection->code)}, rejection->detail,
                      &*fetched.spool);
    }
    return publish(work, *fetched.spool, std::get<imaging::Processed>(*outcome), times);
}

void PublishUpload::failed(const Job& job) {
    if (!dependencies_.observer) return;
    if (const auto failed = dependencies_.uploads.find(std::nullopt, job.upload.id))
        dependencies_.observer(*failed, {});
}

std::optional<JobOutcome> PublishUpload::scan(const Work& work, const Spool& spool) const {
    const auto& gates = dependencies_.gates;
    const auto scanned = gates.scan(spool.file, spool.sha256);
    if (!scanned) return retry(scanned.error());
    if (const auto reached = failpoint::reach(failpoint::Point::after_scan); !reached)
        return Retry{reached.error()};
    using Verdict = Scanned::Verdict;
    if (scanned->verdict == Verdict::clean) return std::nullopt;
    if (scanned->verdict == Verdict::found)
        return reject(work, "malware_found", "the malware scanner found " + scanned->detail, &spool);
    if (scanned->verdict == Verdict::failed && work.job.attempt < gates.scan_attempts) {
        Error why{ErrorCode::scanner_unavailable, scanned->detail, {}, std::nullopt};
        return Retry{std::move(why), Postponement::Cost::attempt, kDelayAfterFailedScan};
    }
    auto detail = "the malware scanner can't take this file: " + scanned->detail;
    if (!gates.pass_unscanned) return reject(work, "file_not_scannable", std::move(detail), &spool);
    log::warn("upload.unscanned", {{"upload", work.job.upload.id.str()}, {"detail", detail}});
    gates.pass_unscanned();
    return std::nullopt;
}

/// Asked last: whatever it says is about a picture that could be published at once.
std::optional<JobOutcome> PublishUpload::ask(const Work& work, const Spool& spool,
                                             const model::Publication& publication) const {
    const auto refusal = dependencies_.gates.ask(
        {work.job, work.app, work.profile, publication.facts, publication.image, work.store});
    if (!refusal) return retry(refusal.error());
    if (const auto reached = failpoint::reach(failpoint::Point::after_publish_verdict); !reached)
        return Retry{reached.error()};
    if (!*refusal) return std::nullopt;
    model::RejectionFacts why{"refused_by_hook", "the app's own check refused the picture"};
    if (!(*refusal)->code.empty()) why.code = (*refusal)->code;
    if (!(*refusal)->reason.empty()) why.detail = (*refusal)->reason;
    return reject(work, why.code, why.detail, &spool);
}

PublishUpload::Fetch PublishUpload::fetch(const Work& work) const {
    const auto& upload = work.job.upload;
    const auto& objects = work.store.objects;
    const auto refuse = [](std::string code, std::string detail) {
        return Fetch{std::nullopt, model::RejectionFacts{std::move(code), std::move(detail)}, std::nullopt};
    };
    const ByteSize limit = work.profile.limits.max_bytes;
    const auto too_large = [&] {
        return refuse("too_large", fmt::format("the file is larger than the profile's {} bytes", limit));
    };
    if (upload.pinned->size && *upload.pinned->size > limit) return too_large();

    auto file = imaging::MemoryFile::create("upload");
    if (!file) return {std::nullopt, std::nullopt, file.error()};
    signer::Sha256Stream hash;
    auto crc32 = ::crc32_z(0, nullptr, 0);
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
        crc32 = ::crc32_z(crc32, chunk.data(), chunk.size());
        if (const auto kept = file->append(chunk); !kept && !spool_error) spool_error = kept.error();
        return !spool_error;
    };
    auto info = objects->get(upload.bucket, upload.key, pinned, spool);
    if (!info && info.error().code == ErrorCode::size_mismatch) {
        // The event told a wrong size, or this answer has one. What the store says when asked for it decides;
        // bytes that are too many must not pass for the client's.
        auto head = pinned;
        head.expected_size.reset();
        const auto there = objects->head(upload.bucket, upload.key, head);
        if (!there) return {std::nullopt, std::nullopt, there.error()};
        if (there->size == *pinned.expected_size) return {std::nullopt, std::nullopt, info.error()};
        pinned.expected_size = there->size;
        info = objects->get(upload.bucket, upload.key, pinned, spool);
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
    return {Spool{std::move(*file), hex_lower(digest), static_cast<std::uint32_t>(crc32)}, std::nullopt,
            std::nullopt};
}

JobOutcome PublishUpload::publish(const Work& work, const Spool& spool, const imaging::Processed& processed,
                                  StageTimes times) const {
    const auto& upload = work.job.upload;
    const auto& region = work.store.region;
    const auto& picture = processed.picture();
    const auto sha256 = hex_lower(signer::sha256(picture.bytes));
    const auto key = model::published_key(upload.public_id, sha256, imaging::file_extension(picture.format));

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
    publication.facts.dominant_color = processed.dominant_color;
    publication.image = {key,
                         {},
                         sha256,
                         std::string{imaging::to_string(picture.format)},
                         picture.width,
                         picture.height,
                         picture.bytes.size(),
                         picture.has_alpha,
                         watermark_of(work.profile)};
    if (dependencies_.gates.ask && work.profile.hooks.before_publish) {
        const auto asked = Steady::now();
        auto ended = ask(work, spool, publication);
        times.hook = since(asked);
        if (ended) return std::move(*ended);
    }

    storage::objects::PutOptions options;
    options.content_type = imaging::media_type(picture.format);
    options.cache_control = "public, max-age=31536000, immutable";
    options.content_disposition = "inline";
    options.sha256 = sha256;
    auto start = Steady::now();
    const auto stored = [&] {
        tracing::Span span{"put", tracing::Kind::client};
        span.set("photogate.region", upload.region);
        auto put = work.store.objects->put(region.published, key, PublishedBytes{picture.bytes}, options);
        if (!put) span.fail(to_string(put.error().code));
        return put;
    }();
    times.put = since(start);
    if (!stored) return retry(stored.error());
    if (const auto reached = failpoint::reach(failpoint::Point::after_public_put); !reached)
        return Retry{reached.error()};
    const auto etag = confirmed_etag(*work.store.objects, region.published, key, picture.bytes, stored->etag);
    if (!etag) return retry(etag.error());

    publication.image.etag = *etag;
    publication.bucket = region.published;
    publication.crc32 = static_cast<std::uint32_t>(
        ::crc32_z(::crc32_z(0, nullptr, 0), picture.bytes.data(), picture.bytes.size()));
    publication.original = work.profile.original;
    if (publication.original == model::OriginalAction::keep) publication.original_crc32 = spool.crc32;
    if (dependencies_.make_variants && !work.profile.delivery.variants.empty()) {
        start = Steady::now();
        tracing::Span span{"variants"};
        publication.ahead =
            dependencies_.make_variants({work.job, work.profile, work.store, publication.image,
                                         publication.facts.exif_json, picture.bytes});
        times.variants = since(start);
    }
    start = Steady::now();
    const auto published = [&] {
        tracing::Span span{"commit"};
        auto committed = persist(
            work.stop, [&] { return dependencies_.publications.publish(work.job.lease, publication); });
        if (!committed) span.fail(to_string(committed.error().code));
        return committed;
    }();
    times.commit = since(start);
    // The orphan collector was at an object of this very name: it must be put again.
    if (!published && published.error().code == ErrorCode::state_conflict) return Retry{published.error()};
    if (!published) return Unrecorded{"publish", published.error()};
    failpoint::pass(failpoint::Point::after_publish_commit);
    log::info("upload.published", {{"upload", upload.id.str()},
                                   {"fetch_ms", static_cast<double>(times.fetch.count()) / 1000},
                                   {"scan_ms", static_cast<double>(times.scan.count()) / 1000},
                                   {"image_ms", static_cast<double>(times.image.count()) / 1000},
                                   {"hook_ms", static_cast<double>(times.hook.count()) / 1000},
                                   {"put_ms", static_cast<double>(times.put.count()) / 1000},
                                   {"variants_ms", static_cast<double>(times.variants.count()) / 1000},
                                   {"commit_ms", static_cast<double>(times.commit.count()) / 1000}});
    if (dependencies_.observer) dependencies_.observer(*published, times);
    return Recorded{};
}

JobOutcome PublishUpload::reject(const Work& work, std::string code, std::string detail,
                                 const Spool* spool) const {
    model::Refusal refusal;
    refusal.rejection = {std::move(code), std::move(detail)};
    if (spool) {
        model::OriginalFacts facts;
        facts.size = spool->file.size();
        facts.sha256 = spool->sha256;
        refusal.facts = std::move(facts);
    }
    refusal.original = work.profile.rejected;
    const auto& job = work.job;
    const auto rejected =
        persist(work.stop, [&] { return dependencies_.publications.reject(job.lease, refusal); });
    if (!rejected) return Unrecorded{"reject", rejected.error()};
    failpoint::pass(failpoint::Point::after_reject_commit);
    log::info("upload.rejected", {{"upload", job.upload.id.str()}, {"code", refusal.rejection.code}});
    if (dependencies_.observer) dependencies_.observer(*rejected, {});
    return Recorded{};
}

/// The object is another than the recorded one: the next attempt reads what is there now. Where it is not, the answer
/// was of another one, and nobody has overwritten anything.
JobOutcome PublishUpload::repin(const Work& work) const {
    const auto& job = work.job;
    const auto info = work.store.objects->head(job.upload.bucket, job.upload.key, {});
    if (!info) {
        if (info.error().code == ErrorCode::store_no_such_key)
            return Retry{info.error(), Postponement::Cost::attempt};
        return retry(info.error());
    }
    const auto& pinned = *job.upload.pinned;
    if (info->etag == pinned.etag && (!pinned.version || info->version == pinned.version)) {
        return Retry{Error{ErrorCode::store_protocol,
                           "the store answered with another object than the one it has",
                           {},
                           std::nullopt},
                     Postponement::Cost::attempt};
    }
    const auto state = persist(work.stop, [&] {
        return dependencies_.publications.repin(job.lease, {info->etag, info->size, info->version});
    });
    if (!state) return Unrecorded{"repin", state.error()};
    log::warn("upload.overwritten", {{"upload", job.upload.id.str()}, {"state", model::to_string(*state)}});
    return Recorded{};
}

}  // namespace photogate::pipeline::jobs

#include "delivery/packed_version.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "delivery/parameters.hpp"
#include "delivery/variants.hpp"
#include "imaging/format.hpp"

namespace photogate::delivery {
namespace {

namespace packages = pipeline::packages;
using packages::NotMade;
using Again = NotMade::Again;
using std::chrono::seconds;

/// For a worker process to become free.
constexpr seconds kPatience{60};
/// A failure that is not tried again for so long is the image's own.
constexpr seconds kGivenUp{60};
/// Where another gateway makes it.
constexpr seconds kSoon{2};

/// Of a canonical query: its values need no decoding.
std::vector<NamedValue> pairs_of(std::string_view query) {
    std::vector<NamedValue> pairs;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        pairs.push_back({pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))});
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return pairs;
}

Result<SourceImage> source_of(const storage::packages::FoundUpload& upload) {
    const auto& image = *upload.image;
    const auto format = imaging::parse_format(image.format);
    if (!format) return fail(ErrorCode::unavailable, "this program does not know the format " + image.format);
    SourceImage source;
    source.width = image.width;
    source.height = image.height;
    source.format = *format;
    using Alpha = SourceImage::Alpha;
    if (upload.image_alpha) source.alpha = *upload.image_alpha ? Alpha::present : Alpha::absent;
    source.watermark = upload.watermark;
    source.taken_at = upload.taken_at;
    return source;
}

/// With the watermark of that name, whatever the published image carries.
Result<ChosenVersion> choose_marked(const AskedImage& asked, const std::string& mark,
                                    const model::DeliveryPolicy& policy, SourceImage source) {
    const auto named = policy.watermarks.find(mark);
    if (named == policy.watermarks.end())
        return fail(ErrorCode::unavailable, "the profile has no watermark of this name");
    auto its_own = policy;
    its_own.watermark = named->second;
    source.watermark.clear();
    return choose_version(asked, "", its_own, source);
}

NotMade not_made(Error why) {
    switch (why.code) {
        case ErrorCode::gone:
        case ErrorCode::not_published:
        case ErrorCode::rate_limited:
            return {std::move(why), Again::never};
        case ErrorCode::unavailable: {
            const bool given_up = why.retry_after && *why.retry_after >= kGivenUp;
            return {std::move(why), given_up ? Again::never : Again::later};
        }
        case ErrorCode::store_protocol:
        case ErrorCode::store_checksum_mismatch:
        case ErrorCode::store_precondition_failed:
        case ErrorCode::store_no_such_key:
        case ErrorCode::size_mismatch:
        case ErrorCode::internal:
            return {std::move(why), Again::doubtful};
        default:
            return {std::move(why), Again::later};
    }
}

}  // namespace

Result<std::optional<imaging::VersionSpec>> packed_version(const packages::PackageContent& content,
                                                           const model::DeliveryPolicy& policy,
                                                           const storage::packages::FoundUpload& upload) {
    const auto source = source_of(upload);
    if (!source) return fail(source.error());
    if (content.of == packages::PackageContent::Of::variant)
        return choose_variant(policy.variants.at(content.detail), policy, *source);
    const auto asked = read_parameters("", pairs_of(content.detail));
    if (!asked) return fail(asked.error());
    auto chosen = content.watermark == packages::PackageContent::Watermark::named
                      ? choose_marked(*asked, content.mark, policy, *source)
                      : choose_version(*asked, "", policy, *source);
    if (!chosen) return fail(std::move(chosen.error()));
    return std::move(chosen->spec);
}

std::optional<NotMade> PackedVersionMaker::make(const packages::VersionWanted& wanted) const {
    auto located = images_.locate(wanted.upload.public_id.str());
    if (!located) return not_made(std::move(located.error()));
    // Sizes of an app's choice count among those that an image may have.
    const bool counted = wanted.of != packages::PackageContent::Of::variant;
    auto outcome =
        attempt_({std::move(*located), wanted.spec, counted}, std::chrono::steady_clock::now() + kPatience);
    if (std::holds_alternative<storage::records::StoredVersion>(outcome)) return std::nullopt;
    if (auto* error = std::get_if<Error>(&outcome)) return not_made(std::move(*error));
    return NotMade{Error{ErrorCode::unavailable, "another gateway makes it", {}, kSoon}, Again::later};
}

}  // namespace photogate::delivery

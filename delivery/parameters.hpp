// What the URL of an image asks for: `/i/{public id}[/{name}]?width=…`, from its texts to one version.
//
// In two steps, so that a wrong URL costs no look into the records: read_parameters() reads what the URL says, and
// choose_version() decides what that is of this image, under its profile's policy. What amounts to the same
// picture has the same VersionSpec, whose key() is what single flights, caches and rows share.
//
// The names and words that are understood, ours and other services', are in one table: parameter_words().
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "imaging/version_spec.hpp"
#include "model/policy/delivery_policy.hpp"

namespace photogate::delivery {

/// One pair of a query, decoded.
struct NamedValue {
    std::string_view name;
    std::string_view value;
};

/// How a picture is brought into width and height.
enum class AskedFit { inside, cover, fill };

/// What a URL says, each part checked by itself.
struct AskedImage {
    std::optional<std::uint32_t> width;       ///< CSS pixels
    std::optional<std::uint32_t> height;      ///< CSS pixels
    std::uint32_t density = 1'000;            ///< thousandths of a pixel for each CSS pixel
    std::optional<AskedFit> fit;              ///< nullopt: inside
    std::optional<imaging::Gravity> gravity;  ///< nullopt: centre
    /// `origin`, which is the default too; `auto`; or a format.
    enum class FormatChoice { origin, automatic, named } format_choice = FormatChoice::origin;
    imaging::Format format = imaging::Format::jpeg;  ///< of FormatChoice::named
    std::optional<int> quality;
    bool placeholder = false;  ///< a few pixels in its place; nothing else counts then
    /// A variant of the profile, by its name; then nothing else is asked for.
    std::optional<std::string> variant;
    bool has_version = false;  ///< `v`: the URL is another where the picture is another

    /// Nothing but the published image itself.
    bool is_plain() const;
};

/// Of the published image that versions are made of.
struct SourceImage {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    imaging::Format format = imaging::Format::jpeg;
    enum class Alpha { unknown, absent, present } alpha = Alpha::unknown;
    bool animated = false;
    std::string watermark;                ///< model::PublishedImage::watermark
    std::optional<std::string> taken_at;  ///< for a watermark that tells it
};

struct ChosenVersion {
    std::optional<imaging::VersionSpec> spec;  ///< nullopt: the published image as it is
    bool varies = false;                       ///< with the request's Accept
};

/// What is asked for as one query, for all URLs that ask for the same: in the order of the table, under our own names,
/// without what has its default. Empty for the published image itself. It is what links are signed for.
std::string canonical_query(const AskedImage& asked);

/// Whether a parameter of this name is ours, under any of its names.
bool is_own_parameter(std::string_view name);

/// `name` is the path's last part, empty where there is none: `w800.webp` and its like ask for a version, any
/// other is a name for people. Parameters that are not ours are passed over. Errors: invalid_query: one of ours
/// is wrong, or is given twice (under one name or two, or in the name as well).
Result<AskedImage> read_parameters(std::string_view name, std::span<const NamedValue> query);

/// Whether the published image itself may not be given out: it lacks the watermark of its profile.
bool must_be_marked(const model::DeliveryPolicy& policy, std::string_view watermark);

/// With a watermark in the policy every version carries it: where the published image carries it already, one is laid
/// over what is cropped to an area that does not show all of it. `accept`: the request's field, empty where there is none. Errors: invalid_query: the policy does not offer
/// the format.
Result<ChosenVersion> choose_version(const AskedImage& asked, std::string_view accept,
                                     const model::DeliveryPolicy& policy, const SourceImage& source);

/// What a client takes, as far as it matters: three classes, so that a cache holds three answers at most.
enum class AcceptClass { avif, webp, any };
/// Formats count where they are named with a weight above 0 (RFC 9110 12.5.1); `*/*` and `image/*` name none.
AcceptClass accept_class(std::string_view accept);

/// A name that is understood, and the values that it takes, for the documentation.
struct ParameterWords {
    std::string_view name;
    std::string_view whose;  ///< whose name it is; empty: ours
    std::string values;
};
std::vector<ParameterWords> parameter_words();

}  // namespace photogate::delivery

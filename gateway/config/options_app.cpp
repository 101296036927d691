#include <algorithm>
#include <array>
#include <functional>

#include "base/ascii.hpp"
#include "gateway/config/app_entries.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"
#include "model/enum_words.hpp"
#include "signer/signer.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;
using imaging::ExifDetail;
using imaging::GpsPolicy;
using imaging::PublishMode;
using model::GrantMethod;
using model::OriginalAction;
using model::Profile;

constexpr std::array kPublish = {Choice<PublishMode>{"reencode", PublishMode::reencode},
                                 Choice<PublishMode>{"strip", PublishMode::strip}};
constexpr std::array kExif = {Choice<ExifDetail>{"none", ExifDetail::none},
                              Choice<ExifDetail>{"basic", ExifDetail::basic},
                              Choice<ExifDetail>{"full", ExifDetail::full}};
constexpr std::array kDamaged = {
    Choice<imaging::DamagedIntervals>{"refuse", imaging::DamagedIntervals::refuse},
    Choice<imaging::DamagedIntervals>{"publish", imaging::DamagedIntervals::publish}};
constexpr std::array kGps = {Choice<GpsPolicy>{"drop", GpsPolicy::drop},
                             Choice<GpsPolicy>{"report", GpsPolicy::report}};
constexpr std::array kHdr = {Choice<imaging::HdrPolicy>{"tone_map", imaging::HdrPolicy::tone_map},
                             Choice<imaging::HdrPolicy>{"refuse", imaging::HdrPolicy::refuse}};
constexpr std::array kGrowth = {Choice<imaging::Growth>{"avoid", imaging::Growth::avoid},
                                Choice<imaging::Growth>{"accept", imaging::Growth::accept}};
constexpr std::array kGamut = {Choice<imaging::Gamut>{"srgb", imaging::Gamut::srgb},
                               Choice<imaging::Gamut>{"kept", imaging::Gamut::kept}};
constexpr std::array kSharpening = {Choice<imaging::Sharpening>{"off", imaging::Sharpening::off},
                                    Choice<imaging::Sharpening>{"mild", imaging::Sharpening::mild}};
using WhileMaking = model::DeliveryPolicy::WhileMaking;
constexpr std::array kWhileMaking = {Choice<WhileMaking>{"wait", WhileMaking::wait},
                                     Choice<WhileMaking>{"nearest", WhileMaking::nearest}};
constexpr std::array kUnsized = {Choice<Profile::UnsizedPut>{"refused", Profile::UnsizedPut::refused},
                                 Choice<Profile::UnsizedPut>{"apps", Profile::UnsizedPut::apps},
                                 Choice<Profile::UnsizedPut>{"accepted", Profile::UnsizedPut::accepted}};
constexpr std::array kDeclaredType = {
    Choice<Profile::DeclaredType>{"advisory", Profile::DeclaredType::advisory},
    Choice<Profile::DeclaredType>{"enforced", Profile::DeclaredType::enforced}};
constexpr std::array kOriginal = {Choice<OriginalAction>{"remove", OriginalAction::remove},
                                  Choice<OriginalAction>{"keep", OriginalAction::keep}};
constexpr std::array kRejected = {Choice<OriginalAction>{"quarantine", OriginalAction::quarantine},
                                  Choice<OriginalAction>{"remove", OriginalAction::remove}};
constexpr std::array kExpired = {
    Choice<Profile::ExpiredCallback>{"silent", Profile::ExpiredCallback::silent},
    Choice<Profile::ExpiredCallback>{"sent", Profile::ExpiredCallback::sent},
    Choice<Profile::ExpiredCallback>{"told", Profile::ExpiredCallback::sent, Standing::former}};
constexpr std::array kRoles = {Choice<access::Role>{"app", access::Role::app},
                               Choice<access::Role>{"operator", access::Role::operator_role}};

constexpr ByteSize kLeastPublished = 1'024;

Result<imaging::Format> parse_format_word(std::string_view word) {
    if (const auto format = imaging::parse_format(word)) return *format;
    return fail(ErrorCode::invalid_field, "a format is jpeg, png, webp, gif, heic, avif or tiff");
}

template <class Number>
std::string numbers_text(const std::vector<Number>& numbers) {
    std::string all;
    for (const auto number : numbers)
        all.append(all.empty() ? "" : ",").append(std::to_string(number));
    return all;
}

/// Numbers of which each is greater than the one before.
template <class Number>
ValidationError put_steps(const RawValue& given, std::pair<Number, Number> range, const char* rule,
                          std::vector<Number>& field) {
    const auto parse = [&](std::string_view text) -> Result<Number> {
        const auto number = ascii::parse_whole<Number>(text);
        if (number && *number >= range.first && *number <= range.second) return *number;
        return fail(ErrorCode::invalid_field, rule);
    };
    std::vector<Number> steps;
    if (auto wrong = put_list(given, parse, steps)) return wrong;
    if (steps.empty()) return "is empty";
    if (std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>{}) != steps.end())
        return "is not ascending";
    field = std::move(steps);
    return std::nullopt;
}

ValidationError check_gain_maps(const RawValue& given) {
    const auto word = read_text(given);
    if (!word) return word.error();
    if (*word == "flattened") return std::nullopt;
    return "is '" + *word +
           "', but gain maps can only be flattened: one that is kept would have to be scaled, cropped and "
           "marked like its picture (docs/delivery.md)";
}

/// An http(s) URL of a page, which a form carries as a field.
Result<std::string> parse_page(std::string_view text) {
    const auto scheme = text.find("://");
    const auto end = scheme == std::string_view::npos ? scheme : text.find_first_of("/?#", scheme + 3);
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    if (!plain || text.size() > 1'024 || !parse_endpoint(text.substr(0, end)))
        return fail(ErrorCode::invalid_field, "a page is a URL that starts with https:// or http://");
    return std::string{text};
}

Result<GrantMethod> parse_method(std::string_view word) {
    if (const auto method = model::parse_word<GrantMethod>(word)) return *method;
    return fail(ErrorCode::invalid_field, "a method is put, post or multipart");
}

ValidationError put_output(const RawValue& given, std::optional<imaging::Format>& field) {
    using imaging::Format;
    static constexpr std::array kOutputs = {Choice<std::optional<Format>>{"auto", std::nullopt},
                                            Choice<std::optional<Format>>{"jpeg", Format::jpeg},
                                            Choice<std::optional<Format>>{"png", Format::png},
                                            Choice<std::optional<Format>>{"webp", Format::webp},
                                            Choice<std::optional<Format>>{"avif", Format::avif}};
    return put_choice(given, kOutputs, field);
}

ValidationError put_callback_secrets(const RawValue& given, std::vector<signer::WebhookSecret>& field) {
    auto items = read_list(given);
    if (!items) return items.error();
    std::vector<signer::WebhookSecret> secrets;
    for (auto& item : *items) {
        auto secret = signer::WebhookSecret::parse(Secret{std::move(item)});
        if (!secret) return "must be whsec_ and the base64 of 24 to 64 bytes each";
        secrets.push_back(std::move(*secret));
    }
    if (secrets.empty()) return "has no secret";
    field = std::move(secrets);
    return std::nullopt;
}

/// Checks alone: the ring is filled when roles are known too (validate.cpp).
ValidationError put_keys(const Scope& scope, const RawValue& given) {
    auto lines = read_list(given);
    if (!lines) return lines.error();
    std::vector<signer::Sha256> hashes;
    for (const auto& line : *lines) {
        const auto hash = access::parse_api_key_line(line);
        if (!hash)
            return "must be lines sha256:…, as `photogate key new` prints them, never the keys themselves";
        hashes.push_back(*hash);
    }
    scope.config.access[AppName::trusted(scope.names.at(0))].keys = std::move(hashes);
    return std::nullopt;
}

Table app_table() {
    return {
        .pattern = "apps.*",
        .prefix = "app",
        .help = "A customer application: its API keys and its callback URL.",
        .options =
            {
                {"keys", Kind::list, "",
                 "SHA-256 hashes of its API keys, as `photogate key new --app NAME` prints them; two during "
                 "a rotation.",
                 [](S s, G g) { return put_keys(s, g); }},
                {"role", Kind::choice, choice_text(kRoles, Access{}.role),
                 "app, or operator: reads all apps, replays and retries, and has no profiles.",
                 [](S s, G g) {
                     return put_choice(g, kRoles, s.config.access[AppName::trusted(s.names.at(0))].role);
                 }},
                {"default_profile", Kind::text, "",
                 "The profile of uploads that name none, where the app has several.",
                 [](S s, G g) -> ValidationError {
                     const auto name = read_text(g);
                     if (!name) return name.error();
                     s.app().default_profile = ProfileName::trusted(*name);
                     return std::nullopt;
                 },
                 Secrecy::open, "the one called `default`, or the only one"},
                {"callback_url", Kind::text, "", "The callback URL, unless an upload sets its own.",
                 [](S s, G g) { return put(read_text(g), s.app().callback_url); }, Secrecy::open, "nowhere"},
                {"callback_secrets", Kind::list, "",
                 "`whsec_…` secrets that sign callbacks, the newest first; all of them sign.",
                 [](S s, G g) { return put_callback_secrets(g, s.app().callback_secrets); }, Secrecy::secret},
                {"link_secrets", Kind::list, "",
                 "Secrets of at least 32 characters that sign links and cookies of the app's images: the "
                 "first "
                 "signs, all verify.",
                 [](S s, G g) { return put_signing_secrets(g, s.app().link_secrets); }, Secrecy::secret,
                 "derived from the secrets of client tokens, for this app"},
                {"requests_per_second", Kind::integer, std::to_string(model::AppLimits{}.requests_per_second),
                 "Requests a second of its keys and client tokens together, on each gateway; more are "
                 "answered 429. "
                 "0: any number.",
                 [](S s, G g) {
                     return put(read_integer(g, {0, 1'000'000}), s.app().limits.requests_per_second);
                 }},
                {"requests_burst", Kind::integer, "", "Requests at once, after a pause.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 1'000'000}), s.app().limits.requests_burst);
                 },
                 Secrecy::open, "those of two seconds"},
                {"requests_per_second_token", Kind::integer,
                 std::to_string(model::AppLimits{}.requests_per_second_token),
                 "Requests a second of each of its client tokens, on each gateway; more are answered 429. 0: "
                 "any "
                 "number.",
                 [](S s, G g) {
                     return put(read_integer(g, {0, 1'000'000}), s.app().limits.requests_per_second_token);
                 }},
                {"max_open_uploads", Kind::integer, std::to_string(model::AppLimits{}.open_uploads),
                 "Uploads that were granted and have not arrived, over all gateways; more are answered 429. "
                 "0: any "
                 "number.",
                 [](S s, G g) {
                     return put(read_integer(g, {0, 1'000'000'000}), s.app().limits.open_uploads);
                 }},
                {"max_open_bytes", Kind::size, size_text(model::AppLimits{}.open_bytes),
                 "Declared sizes of those uploads together; more are answered 429. 0: any size.",
                 [](S s, G g) {
                     return put(read_size(g, {0, 1ULL << 60}), s.app().limits.open_bytes);
                 }},
            },
        .make = make_app,
        .single = "default"};
}

Table profile_table() {
    return {
        .pattern = "apps.*.profiles.*",
        .prefix = std::nullopt,
        .help = "The policy for one kind of upload.",
        .options =
            {
                {"formats", Kind::list, words_text(standard_profile().formats), "Accepted formats.",
                 [](S s, G g) { return put_list(g, parse_format_word, s.profile().formats); }},
                {"max_size", Kind::size, size_text(standard_profile().limits.max_bytes),
                 "Maximum size of an upload.",
                 [](S s, G g) {
                     return put(read_size(g, {1, 5ULL << 30}), s.profile().limits.max_bytes);
                 }},
                {"max_pixels", Kind::integer, std::to_string(standard_profile().limits.max_pixels),
                 "Maximum pixels of one frame, checked before decoding.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 1'000'000'000}), s.profile().limits.max_pixels);
                 }},
                {"max_side", Kind::integer, std::to_string(standard_profile().limits.max_side),
                 "Maximum pixels of the longer side.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 65'535}), s.profile().limits.max_side);
                 }},
                {"max_frames", Kind::integer, std::to_string(standard_profile().limits.max_frames),
                 "Maximum number of frames or pages.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 10'000}), s.profile().limits.max_frames);
                 }},
                {"max_total_pixels", Kind::integer,
                 std::to_string(standard_profile().limits.max_total_pixels),
                 "Maximum pixels over all frames.",
                 [](S s, G g) {
                     return put(read_integer(g, {1, 10'000'000'000}), s.profile().limits.max_total_pixels);
                 }},
                {"max_metadata", Kind::size, size_text(standard_profile().limits.max_metadata),
                 "Maximum bytes of metadata in a file, also of what is removed unread; 0: no limit but "
                 "max_size.",
                 [](S s, G g) {
                     return put(read_size(g, {0, 5ULL << 30}), s.profile().limits.max_metadata);
                 }},
                {"publish", Kind::choice, choice_text(kPublish, standard_profile().recipe.version.mode),
                 "reencode, or strip: keep the coded pixels, if the format permits it.",
                 [](S s, G g) { return put_choice(g, kPublish, s.profile().recipe.version.mode); }},
                {"max_edge", Kind::integer, std::to_string(standard_profile().recipe.version.max_edge),
                 "Maximum longer side of the published picture in pixels; pictures are never enlarged.",
                 [](S s, G g) {
                     return put(read_integer(g, {16, 16'384}), s.profile().recipe.version.max_edge);
                 }},
                {"output", Kind::choice, "auto",
                 "auto (JPEG; WebP for pictures with alpha or animation), jpeg, png, webp, avif.",
                 [](S s, G g) { return put_output(g, s.profile().recipe.version.format); }},
                {"quality", Kind::integer, std::to_string(standard_profile().recipe.version.quality),
                 "Quality of the encoder, 1 to 100; of versions too where their URL names none.",
                 [](S s, G g) {
                     s.profile().delivery.quality =
                         static_cast<int>(read_integer(g, {1, 100}).value_or(s.profile().delivery.quality));
                     return put(read_integer(g, {1, 100}), s.profile().recipe.version.quality);
                 }},
                {"max_published_size", Kind::size, size_text(standard_profile().recipe.version.max_bytes),
                 "Maximum size of the published picture and of each version: the quality is lowered until it "
                 "fits, to "
                 "30 at the least (WebP: 20). 0: any.",
                 [](S s, G g) -> ValidationError {
                     const auto most = read_size(g, {0, 1ULL << 30});
                     if (!most) return most.error();
                     if (*most != 0 && *most < kLeastPublished) return "is less than 1KiB";
                     s.profile().recipe.version.max_bytes = *most;
                     s.profile().delivery.max_bytes = *most;
                     return std::nullopt;
                 }},
                {"growth", Kind::choice, choice_text(kGrowth, standard_profile().recipe.version.growth),
                 "A published picture with more bytes than the upload: avoid (lower the quality, or choose "
                 "another format if output is auto), accept.",
                 [](S s, G g) { return put_choice(g, kGrowth, s.profile().recipe.version.growth); }},
                {"gamut", Kind::choice, choice_text(kGamut, standard_profile().recipe.version.gamut),
                 "Stills whose colours go beyond sRGB (Display P3, Adobe RGB), and their versions: srgb "
                 "(converted), kept (as Display P3, with that profile; GIF and what is animated become "
                 "sRGB).",
                 [](S s, G g) -> ValidationError {
                     if (auto wrong = put_choice(g, kGamut, s.profile().recipe.version.gamut)) return wrong;
                     s.profile().delivery.gamut = s.profile().recipe.version.gamut;
                     return std::nullopt;
                 }},
                {"gain_maps", Kind::choice, "flattened",
                 "Gain maps of HDR photos (Ultra HDR, ISO 21496-1, Apple): flattened (what is published is "
                 "the picture as a screen without HDR shows it). There is no other value yet.",
                 [](S, G g) { return check_gain_maps(g); }},
                {"sharpening", Kind::choice,
                 choice_text(kSharpening, standard_profile().recipe.version.sharpening),
                 "Pictures that are shrunk to at most half of their size and 320 pixels: off, mild.",
                 [](S s, G g) -> ValidationError {
                     if (auto wrong = put_choice(g, kSharpening, s.profile().recipe.version.sharpening))
                         return wrong;
                     s.profile().delivery.sharpening = s.profile().recipe.version.sharpening;
                     return std::nullopt;
                 }},
                {"hdr", Kind::choice, choice_text(kHdr, standard_profile().limits.hdr),
                 "Pictures whose colours are PQ or HLG: tone_map (to sRGB), refuse (unsupported_format).",
                 [](S s, G g) { return put_choice(g, kHdr, s.profile().limits.hdr); }},
                {"damaged_intervals", Kind::choice,
                 choice_text(kDamaged, standard_profile().limits.damaged_intervals),
                 "A JPEG with restart markers of which a part is damaged: refuse (corrupt), publish (encoded "
                 "anew; "
                 "`exif.damaged_intervals` counts the parts; at most one in ten).",
                 [](S s, G g) { return put_choice(g, kDamaged, s.profile().limits.damaged_intervals); }},
                {"exif", Kind::choice, choice_text(kExif, standard_profile().recipe.facts.exif),
                 "How much of the original's metadata is reported: none, basic, full.",
                 [](S s, G g) { return put_choice(g, kExif, s.profile().recipe.facts.exif); }},
                {"gps", Kind::choice, choice_text(kGps, standard_profile().recipe.facts.gps),
                 "Whether the position is reported: drop, report. The published picture never contains it.",
                 [](S s, G g) { return put_choice(g, kGps, s.profile().recipe.facts.gps); }},
                {"methods", Kind::list, words_text(standard_profile().methods), "How clients may upload.",
                 [](S s, G g) { return put_list(g, parse_method, s.profile().methods); }},
                {"unsized_put", Kind::choice, choice_text(kUnsized, standard_profile().unsized_put),
                 "A PUT without a declared size: refused, apps (accepted from an app's key, refused for "
                 "client "
                 "tokens), accepted. The store limits it to 5 GiB; max_size is checked after arrival.",
                 [](S s, G g) { return put_choice(g, kUnsized, s.profile().unsized_put); }},
                {"write_once", Kind::boolean, "true",
                 "Whether a presigned PUT is refused (412) while its object is there. false: a client that "
                 "repeats a PUT is answered 200; what is put after processing is removed.",
                 [](S s, G g) -> ValidationError {
                     const auto once = read_boolean(g);
                     if (!once) return once.error();
                     s.profile().write_once = *once ? Profile::WriteOnce::on : Profile::WriteOnce::off;
                     return std::nullopt;
                 }},
                {"declared_type", Kind::choice, choice_text(kDeclaredType, standard_profile().declared_type),
                 "A file that is not of its declared `content_type`: advisory (the bytes decide, and the "
                 "answer "
                 "has both), enforced (rejected as `mime_mismatch`).",
                 [](S s, G g) { return put_choice(g, kDeclaredType, s.profile().declared_type); }},
                {"form_redirect", Kind::text, "",
                 "The page that a browser is sent to after a form POST (`success_action_redirect`): "
                 "`https://app.example/thanks`.",
                 [](S s, G g) { return put_parsed(g, parse_page, s.profile().form_redirect); }, Secrecy::open,
                 "none: the store answers 201 with XML"},
                {"default_expiry", Kind::duration, duration_text(standard_profile().default_expiry),
                 "Default lifetime of a presigned upload.",
                 [](S s, G g) {
                     return put_seconds(read_duration(g, {1s, signer::kLongestExpiry}),
                                        s.profile().default_expiry);
                 }},
                {"longest_expiry", Kind::duration, duration_text(standard_profile().longest_expiry),
                 "Longest lifetime that a caller may request, at most 7 days.",
                 [](S s, G g) {
                     return put_seconds(read_duration(g, {1s, signer::kLongestExpiry}),
                                        s.profile().longest_expiry);
                 }},
                {"original", Kind::choice, choice_text(kOriginal, standard_profile().original),
                 "What happens to the original after publication: remove, keep (in the originals bucket).",
                 [](S s, G g) { return put_choice(g, kOriginal, s.profile().original); }},
                {"rejected", Kind::choice, choice_text(kRejected, standard_profile().rejected),
                 "What happens to a rejected upload: quarantine (in the originals bucket), remove.",
                 [](S s, G g) { return put_choice(g, kRejected, s.profile().rejected); }},
                {"version_sizes", Kind::list, numbers_text(standard_profile().delivery.ladder),
                 "Sizes of versions in pixels, ascending: what a URL asks for is rounded up to one of these.",
                 [](S s, G g) {
                     return put_steps<std::uint32_t>(g, {1, 16'384}, "a size is 1 to 16384 pixels",
                                                     s.profile().delivery.ladder);
                 }},
                {"free_sizes", Kind::boolean, "false",
                 "Whether versions have the very size that their URL asks for, up to the last of "
                 "version_sizes. "
                 "delivery.max_versions_per_image bounds how many there are.",
                 [](S s, G g) -> ValidationError {
                     const auto free = read_boolean(g);
                     if (!free) return free.error();
                     using Sizes = model::DeliveryPolicy::Sizes;
                     s.profile().delivery.sizes = *free ? Sizes::free : Sizes::ladder;
                     return std::nullopt;
                 }},
                {"private", Kind::boolean, "false",
                 "Images can be seen with a signed link or a cookie alone (docs/delivery.md). The public "
                 "bucket then "
                 "has to be closed to anonymous readers: photogate does not start otherwise.",
                 [](S s, G g) -> ValidationError {
                     const auto is_private = read_boolean(g);
                     if (!is_private) return is_private.error();
                     using Audience = model::DeliveryPolicy::Audience;
                     s.profile().delivery.audience =
                         *is_private ? Audience::link_holders : Audience::everybody;
                     return std::nullopt;
                 }},
                {"version_formats", Kind::list, words_text(standard_profile().delivery.formats),
                 "Formats of versions that a URL may ask for: jpeg, png, webp, avif, gif. The published "
                 "image's own is always among them.",
                 [](S s, G g) { return put_list(g, parse_version_format, s.profile().delivery.formats); }},
                {"version_qualities", Kind::list, numbers_text(standard_profile().delivery.qualities),
                 "Qualities of versions, ascending: what a URL asks for is rounded up to one of these.",
                 [](S s, G g) {
                     return put_steps<int>(g, {1, 100}, "a quality is 1 to 100",
                                           s.profile().delivery.qualities);
                 }},
                {"version_while_making", Kind::choice,
                 choice_text(kWhileMaking, standard_profile().delivery.while_making),
                 "What is answered while a version is made: wait (that version, once it is made), nearest "
                 "(the nearest size that is ready, not to be cached; where there is none, as wait).",
                 [](S s, G g) { return put_choice(g, kWhileMaking, s.profile().delivery.while_making); }},
                {"expired_callback", Kind::choice, choice_text(kExpired, standard_profile().expired_callback),
                 "Whether `upload.expired` is sent: silent, sent.",
                 [](S s, G g) { return put_choice(g, kExpired, s.profile().expired_callback); }},
            },
        .make = [](Config& config, const std::vector<std::string>& names) { make_profile(config, names); },
        .single = "default"};
}

}  // namespace

std::vector<Table> app_tables() {
    return {app_table(), profile_table(), variant_table()};
}

}  // namespace photogate::gateway::config

#include "delivery/parameters.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::delivery {
namespace {

using imaging::Format;
using imaging::Gravity;

enum class Parameter {
    width,
    height,
    dpr,
    fit,
    gravity,
    format,
    quality,
    variant,
    version,
    expires,
    scope,
    signature,
    placeholder
};
constexpr std::size_t kParameters = 13;

constexpr std::uint32_t kMostPixels = 65'535;
constexpr std::size_t kLongestFraction = 20;  ///< digits: browsers say 1.100000023841858
constexpr std::size_t kLongestShown = 32;     ///< bytes of a wrong value that are repeated
constexpr std::uint32_t kLeastDensity = 1'000, kMostDensity = 4'000;

template <class Value>
struct WordFor {
    std::string_view word;
    Value value;
};

constexpr std::array kFits = {
    WordFor<AskedFit>{"inside", AskedFit::inside},     WordFor<AskedFit>{"contain", AskedFit::inside},
    WordFor<AskedFit>{"scale-down", AskedFit::inside}, WordFor<AskedFit>{"cover", AskedFit::cover},
    WordFor<AskedFit>{"crop", AskedFit::cover},        WordFor<AskedFit>{"fill", AskedFit::fill},
    WordFor<AskedFit>{"squeeze", AskedFit::fill}};
constexpr std::array kSupabaseFits = {WordFor<AskedFit>{"contain", AskedFit::inside},
                                      WordFor<AskedFit>{"cover", AskedFit::cover},
                                      WordFor<AskedFit>{"fill", AskedFit::fill}};
/// `fill` is another word there than here.
constexpr std::array kImgproxyFits = {
    WordFor<AskedFit>{"fit", AskedFit::inside}, WordFor<AskedFit>{"fill", AskedFit::cover},
    WordFor<AskedFit>{"fill-down", AskedFit::cover}, WordFor<AskedFit>{"force", AskedFit::fill}};
/// Ours, Cloudflare's and imgproxy's: none of them is another's word for something else.
constexpr std::array kGravities = {WordFor<Gravity>{"center", Gravity::centre},
                                   WordFor<Gravity>{"centre", Gravity::centre},
                                   WordFor<Gravity>{"ce", Gravity::centre},
                                   WordFor<Gravity>{"north", Gravity::north},
                                   WordFor<Gravity>{"top", Gravity::north},
                                   WordFor<Gravity>{"no", Gravity::north},
                                   WordFor<Gravity>{"northeast", Gravity::north_east},
                                   WordFor<Gravity>{"noea", Gravity::north_east},
                                   WordFor<Gravity>{"east", Gravity::east},
                                   WordFor<Gravity>{"right", Gravity::east},
                                   WordFor<Gravity>{"ea", Gravity::east},
                                   WordFor<Gravity>{"southeast", Gravity::south_east},
                                   WordFor<Gravity>{"soea", Gravity::south_east},
                                   WordFor<Gravity>{"south", Gravity::south},
                                   WordFor<Gravity>{"bottom", Gravity::south},
                                   WordFor<Gravity>{"so", Gravity::south},
                                   WordFor<Gravity>{"southwest", Gravity::south_west},
                                   WordFor<Gravity>{"sowe", Gravity::south_west},
                                   WordFor<Gravity>{"west", Gravity::west},
                                   WordFor<Gravity>{"left", Gravity::west},
                                   WordFor<Gravity>{"we", Gravity::west},
                                   WordFor<Gravity>{"northwest", Gravity::north_west},
                                   WordFor<Gravity>{"nowe", Gravity::north_west},
                                   WordFor<Gravity>{"attention", Gravity::attention},
                                   WordFor<Gravity>{"auto", Gravity::attention},
                                   WordFor<Gravity>{"sm", Gravity::attention},
                                   WordFor<Gravity>{"entropy", Gravity::entropy}};
/// Extensions too.
constexpr std::array kFormats = {WordFor<Format>{"jpeg", Format::jpeg}, WordFor<Format>{"jpg", Format::jpeg},
                                 WordFor<Format>{"png", Format::png},   WordFor<Format>{"webp", Format::webp},
                                 WordFor<Format>{"avif", Format::avif}, WordFor<Format>{"gif", Format::gif}};
constexpr std::string_view kAutomatic = "auto", kOrigin = "origin";

struct OwnName {
    std::string_view name;
    Parameter parameter;
    std::string_view whose;
    std::span<const WordFor<AskedFit>> fits = kFits;
};

constexpr std::array kNames = {
    OwnName{"width", Parameter::width, ""},
    OwnName{"w", Parameter::width, "Cloudflare, imgproxy"},
    OwnName{"height", Parameter::height, ""},
    OwnName{"h", Parameter::height, "Cloudflare, imgproxy"},
    OwnName{"dpr", Parameter::dpr, ""},
    OwnName{"fit", Parameter::fit, "", kFits},
    OwnName{"resize", Parameter::fit, "Supabase", kSupabaseFits},
    OwnName{"resizing_type", Parameter::fit, "imgproxy", kImgproxyFits},
    OwnName{"rt", Parameter::fit, "imgproxy", kImgproxyFits},
    OwnName{"gravity", Parameter::gravity, ""},
    OwnName{"g", Parameter::gravity, "Cloudflare, imgproxy"},
    OwnName{"format", Parameter::format, ""},
    OwnName{"f", Parameter::format, "Cloudflare, imgproxy"},
    OwnName{"quality", Parameter::quality, ""},
    OwnName{"q", Parameter::quality, "Cloudflare, imgproxy"},
    OwnName{"variant", Parameter::variant, ""},
    OwnName{"v", Parameter::version, ""},
    OwnName{"placeholder", Parameter::placeholder, ""},
    // Of signed links: read where they are verified (gateway/access).
    OwnName{"expires", Parameter::expires, ""},
    OwnName{"scope", Parameter::scope, ""},
    OwnName{"sig", Parameter::signature, ""},
};

const OwnName* find_name(std::string_view name) {
    const auto* found =
        std::find_if(kNames.begin(), kNames.end(), [&](const OwnName& own) { return own.name == name; });
    return found == kNames.end() ? nullptr : found;
}

template <class Words>
auto find_word(const Words& words, std::string_view word) -> const typename Words::value_type* {
    for (const auto& each : words)
        if (each.word == word) return &each;
    return nullptr;
}

/// The first, which is ours.
template <class Words, class Value>
std::string_view word_of(const Words& words, const Value& value) {
    for (const auto& each : words)
        if (each.value == value) return each.word;
    return {};
}

template <class Words>
std::string listed(const Words& words) {
    std::string all;
    for (const auto& each : words)
        all.append(all.empty() ? "" : ", ").append(each.word);
    return all;
}

tl::unexpected<Error> refuse(std::string_view name, std::string_view value, std::string_view needed) {
    std::string detail = "'" + std::string{name} + "' is '" + to_valid_utf8(value.substr(0, kLongestShown));
    detail += value.size() > kLongestShown ? "…'" : "'";
    return fail(ErrorCode::invalid_query, detail + ", but must be " + std::string{needed});
}

template <class Number>
Result<Number> whole(std::string_view name, std::string_view value, Number least, Number most) {
    const auto number = ascii::parse_whole<Number>(value);
    if (number && *number >= least && *number <= most) return *number;
    return refuse(name, value,
                  "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

Result<std::uint32_t> read_density(std::string_view name, std::string_view value) {
    const auto point = value.find('.');
    const auto ones = ascii::parse_whole<std::uint32_t>(value.substr(0, point));
    const auto fraction = point == std::string_view::npos ? "0" : value.substr(point + 1);
    const bool digits = !fraction.empty() && fraction.size() <= kLongestFraction &&
                        std::all_of(fraction.begin(), fraction.end(), ascii::is_digit);
    if (ones && *ones <= kMostDensity / 1'000 && digits) {
        std::uint32_t thousandths = *ones * 1'000, weight = 100;
        for (const char digit : fraction.substr(0, 3)) {
            thousandths += static_cast<std::uint32_t>(digit - '0') * weight;
            weight /= 10;
        }
        if (thousandths >= kLeastDensity && thousandths <= kMostDensity) return thousandths;
    }
    return refuse(name, value, "a number from 1 to 4, such as 2 or 1.5");
}

/// `2`, `1.5`: without zeros at the end.
std::string density_text(std::uint32_t thousandths) {
    auto text = std::to_string(thousandths / 1'000);
    auto fraction = std::to_string(1'000 + thousandths % 1'000).substr(1);
    while (fraction.ends_with('0'))
        fraction.pop_back();
    return fraction.empty() ? text : text + "." + fraction;
}

/// Each parameter once, wherever it stands.
class Reading {
  public:
    Result<> take(const OwnName& own, std::string_view value) {
        if (auto first = once(own.parameter, own.name); !first) return first;
        switch (own.parameter) {
            case Parameter::width:
                return put(whole(own.name, value, 1U, kMostPixels), asked_.width);
            case Parameter::height:
                return put(whole(own.name, value, 1U, kMostPixels), asked_.height);
            case Parameter::dpr:
                return put(read_density(own.name, value), asked_.density);
            case Parameter::fit:
                return put_word(own.fits, own.name, value, asked_.fit);
            case Parameter::gravity:
                return put_word(std::span<const WordFor<Gravity>>{kGravities}, own.name, value,
                                asked_.gravity);
            case Parameter::format:
                return take_format(own.name, value);
            case Parameter::quality:
                return put(whole(own.name, value, 1, 100), asked_.quality);
            case Parameter::variant:
                return take_variant(own.name, value);
            case Parameter::version:
                asked_.has_version = true;
                return {};
            case Parameter::expires:
            case Parameter::scope:
            case Parameter::signature:
                return {};
            case Parameter::placeholder:
                if (value != "1") return refuse(own.name, value, "1");
                asked_.placeholder = true;
                return {};
        }
        return {};
    }

    /// `w800h600@2x.webp`, each piece but one size optional. What does not begin so is a name for people.
    Result<> take_name(std::string_view name) {
        auto rest = name;
        const auto width = size_at(rest, 'w'), height = size_at(rest, 'h');
        if (width.empty() && height.empty()) return {};
        std::string_view density;
        if (rest.starts_with('@')) {
            const auto end = rest.find('x');
            if (end == std::string_view::npos || end == 1) return {};
            density = rest.substr(1, end - 1);
            rest.remove_prefix(end + 1);
        }
        if (!rest.empty() && (!rest.starts_with('.') || rest.find('.', 1) != std::string_view::npos))
            return {};
        if (!width.empty())
            if (auto taken = take(*find_name("width"), width); !taken) return taken;
        if (!height.empty())
            if (auto taken = take(*find_name("height"), height); !taken) return taken;
        if (!density.empty())
            if (auto taken = take(*find_name("dpr"), density); !taken) return taken;
        if (rest.empty()) return {};
        return take(*find_name("format"), rest.substr(1));
    }

    Result<AskedImage> asked() const {
        auto others = seen_;
        for (const auto own : {Parameter::variant, Parameter::version, Parameter::expires, Parameter::scope,
                               Parameter::signature, Parameter::placeholder})
            others.reset(static_cast<std::size_t>(own));
        if (asked_.variant && others.any())
            return fail(ErrorCode::invalid_query,
                        "'variant' stands alone: its size and format are the profile's");
        return asked_;
    }

  private:
    /// The digits behind a letter, taken off the front; empty where there are none.
    static std::string_view size_at(std::string_view& text, char letter) {
        if (!text.starts_with(letter)) return {};
        const auto end = std::min(text.find_first_not_of("0123456789", 1), text.size());
        const auto digits = text.substr(1, end - 1);
        if (!digits.empty()) text.remove_prefix(end);
        return digits;
    }

    Result<> once(Parameter parameter, std::string_view name) {
        const auto bit = static_cast<std::size_t>(parameter);
        if (seen_.test(bit))
            return fail(ErrorCode::invalid_query,
                        "'" + std::string{name} + "' stands twice in the URL, or under two names");
        seen_.set(bit);
        return {};
    }

    template <class Value, class Field>
    static Result<> put(Result<Value> value, Field& field) {
        if (!value) return fail(std::move(value.error()));
        field = *value;
        return {};
    }

    template <class Value>
    static Result<> put_word(std::span<const WordFor<Value>> words, std::string_view name,
                             std::string_view value, std::optional<Value>& field) {
        const auto* word = find_word(words, value);
        if (!word) return refuse(name, value, "one of " + listed(words));
        field = word->value;
        return {};
    }

    Result<> take_variant(std::string_view name, std::string_view value) {
        constexpr std::size_t kLongest = 32;
        if (value.empty() || value.size() > kLongest)
            return refuse(name, value, "a name of 1 to 32 characters");
        asked_.variant = value;
        return {};
    }

    Result<> take_format(std::string_view name, std::string_view value) {
        using Chosen = AskedImage::FormatChoice;
        if (value == kOrigin) return {};
        if (value == kAutomatic) {
            asked_.format_choice = Chosen::automatic;
            return {};
        }
        const auto* word = find_word(kFormats, value);
        if (!word)
            return refuse(
                name, value,
                "one of " + std::string{kAutomatic} + ", " + std::string{kOrigin} + ", " + listed(kFormats));
        asked_.format_choice = Chosen::named;
        asked_.format = word->value;
        return {};
    }

    AskedImage asked_;
    std::bitset<kParameters> seen_;
};

}  // namespace

bool AskedImage::is_plain() const {
    return !variant && !width && !height && !quality && format_choice == FormatChoice::origin;
}

std::string canonical_query(const AskedImage& asked) {
    // By name: a part of AskedImage that is not written here would be one that links do not cover.
    const auto& [width, height, density, fit, gravity, format_choice, format, quality, placeholder, variant,
                 has_version] = asked;
    std::string query;
    const auto add = [&query](std::string_view name, std::string_view value) {
        query.append(query.empty() ? "" : "&").append(name).append("=").append(value);
    };
    if (width) add("width", std::to_string(*width));
    if (height) add("height", std::to_string(*height));
    if (density != AskedImage{}.density) add("dpr", density_text(density));
    if (fit && *fit != AskedFit::inside) add("fit", word_of(kFits, *fit));
    if (gravity && *gravity != Gravity::centre) add("gravity", word_of(kGravities, *gravity));
    if (format_choice == AskedImage::FormatChoice::automatic) add("format", kAutomatic);
    if (format_choice == AskedImage::FormatChoice::named) add("format", word_of(kFormats, format));
    if (quality) add("quality", std::to_string(*quality));
    if (placeholder) add("placeholder", "1");
    if (variant) add("variant", *variant);
    return query;
}

bool is_own_parameter(std::string_view name) {
    return find_name(name) != nullptr;
}

Result<AskedImage> read_parameters(std::string_view name, std::span<const NamedValue> query) {
    Reading reading;
    if (auto taken = reading.take_name(name); !taken) return fail(std::move(taken.error()));
    for (const auto& pair : query) {
        const auto* own = find_name(pair.name);
        if (!own) continue;
        if (auto taken = reading.take(*own, pair.value); !taken) return fail(std::move(taken.error()));
    }
    return reading.asked();
}

std::vector<ParameterWords> parameter_words() {
    std::vector<ParameterWords> all;
    const auto values = [](const OwnName& own) -> std::string {
        switch (own.parameter) {
            case Parameter::width:
            case Parameter::height:
                return "1 to " + std::to_string(kMostPixels);
            case Parameter::dpr:
                return "1 to 4";
            case Parameter::fit:
                return listed(own.fits);
            case Parameter::gravity:
                return listed(kGravities);
            case Parameter::format:
                return std::string{kAutomatic} + ", " + std::string{kOrigin} + ", " + listed(kFormats);
            case Parameter::quality:
                return "1 to 100";
            case Parameter::variant:
                return "the name of one of the profile's variants";
            case Parameter::version:
                return "anything";
            case Parameter::expires:
                return "Unix time, in seconds";
            case Parameter::scope:
                return "version, image";
            case Parameter::signature:
                return "a signature";
            case Parameter::placeholder:
                return "1";
        }
        return {};
    };
    for (const auto& own : kNames)
        all.push_back({own.name, own.whose, values(own)});
    return all;
}

}  // namespace photogate::delivery

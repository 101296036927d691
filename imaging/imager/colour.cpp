#include "imaging/imager/colour.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace photogate::imaging {
namespace {

using Matrix = std::array<double, 9>;
using Vector = std::array<double, 3>;

constexpr double kWhiteLuminance = 203;   ///< cd/m² (BT.2408)
constexpr double kPeakLuminance = 1'000;  ///< cd/m²
constexpr double kPeak = kPeakLuminance / kWhiteLuminance;
constexpr double kHlgSystemGamma = 1.2;  ///< of a display of 1,000 cd/m² (BT.2100)
constexpr Chromaticity kD65{0.3127, 0.3290};
constexpr Chromaticities kBt709{kD65, {0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}};
constexpr Chromaticities kDisplayP3{kD65, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}};
constexpr Vector kBt2020Luma{0.2627, 0.6780, 0.0593};
constexpr double kBt1886Gamma = 2.4;
constexpr double kUsualGamma = 2.2;
constexpr double kSameGamma =
    0.05;  ///< without chromaticities a gamma that close to the usual one means sRGB
/// Steps of the table from linear light to 8 bit: its darkest levels are 20 steps apart.
constexpr std::size_t kEncodeSteps = 1U << 16;

Matrix multiply(const Matrix& a, const Matrix& b) {
    Matrix product{};
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t column = 0; column < 3; ++column)
            for (std::size_t i = 0; i < 3; ++i)
                product[row * 3 + column] += a[row * 3 + i] * b[i * 3 + column];
    return product;
}

Vector multiply(const Matrix& a, const Vector& b) {
    return {a[0] * b[0] + a[1] * b[1] + a[2] * b[2], a[3] * b[0] + a[4] * b[1] + a[5] * b[2],
            a[6] * b[0] + a[7] * b[1] + a[8] * b[2]};
}

std::optional<Matrix> inverse(const Matrix& m) {
    const double determinant = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                               m[2] * (m[3] * m[7] - m[4] * m[6]);
    if (std::abs(determinant) < 1e-6) return std::nullopt;
    const double f = 1 / determinant;
    return Matrix{
        (m[4] * m[8] - m[5] * m[7]) * f, (m[2] * m[7] - m[1] * m[8]) * f, (m[1] * m[5] - m[2] * m[4]) * f,
        (m[5] * m[6] - m[3] * m[8]) * f, (m[0] * m[8] - m[2] * m[6]) * f, (m[2] * m[3] - m[0] * m[5]) * f,
        (m[3] * m[7] - m[4] * m[6]) * f, (m[1] * m[6] - m[0] * m[7]) * f, (m[0] * m[4] - m[1] * m[3]) * f};
}

Vector xyz(Chromaticity point) {
    return {point.x / point.y, 1, (1 - point.x - point.y) / point.y};
}

/// Bradford's adaptation of one white to another.
std::optional<Matrix> adaptation(Chromaticity from, Chromaticity to) {
    constexpr Matrix kCone{0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296};
    const auto back = inverse(kCone);
    const Vector source = multiply(kCone, xyz(from)), target = multiply(kCone, xyz(to));
    if (!back || source[0] <= 0 || source[1] <= 0 || source[2] <= 0) return std::nullopt;
    const Matrix scale{target[0] / source[0], 0, 0, 0, target[1] / source[1], 0, 0, 0, target[2] / source[2]};
    return multiply(*back, multiply(scale, kCone));
}

/// Linear RGB of those primaries to XYZ.
std::optional<Matrix> to_xyz(const Chromaticities& of) {
    const Vector red = xyz(of.red), green = xyz(of.green), blue = xyz(of.blue);
    const Matrix columns{red[0], green[0], blue[0], red[1], green[1], blue[1], red[2], green[2], blue[2]};
    const auto back = inverse(columns);
    if (!back) return std::nullopt;
    const Vector sums = multiply(*back, xyz(of.white));
    Matrix scaled = columns;
    for (std::size_t i = 0; i < 9; ++i)
        scaled[i] *= sums[i % 3];
    return scaled;
}

std::optional<Matrix> linear_to(ColourSpace to, const Chromaticities& from) {
    const auto source = to_xyz(from);
    const auto target = to_xyz(to == ColourSpace::srgb ? kBt709 : kDisplayP3);
    const auto back = target ? inverse(*target) : std::nullopt;
    const auto adapt = adaptation(from.white, kD65);
    if (!source || !back || !adapt) return std::nullopt;
    return multiply(*back, multiply(*adapt, *source));
}

/// H.273, table 2; nullopt for those of sRGB, those that are not specified, and those that are not known.
std::optional<Chromaticities> primaries(std::uint8_t code) {
    constexpr Chromaticity kIlluminantC{0.310, 0.316};
    switch (code) {
        case 4:
            return Chromaticities{kIlluminantC, {0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}};
        case 5:
            return Chromaticities{kD65, {0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}};
        case 6:
        case 7:
            return Chromaticities{kD65, {0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}};
        case 8:
            return Chromaticities{kIlluminantC, {0.681, 0.319}, {0.243, 0.692}, {0.145, 0.049}};
        case 9:
            return Chromaticities{kD65, {0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}};
        case 11:
            return Chromaticities{{0.314, 0.351}, {0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}};
        case 12:
            return kDisplayP3;
        case 22:
            return Chromaticities{kD65, {0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}};
        default:
            return std::nullopt;
    }
}

/// H.273, table 3.
void set_transfer(std::uint8_t code, SourceColour& colour) {
    const auto gamma = [&](double exponent) {
        colour.transfer = SourceColour::Transfer::gamma;
        colour.exponent = exponent;
    };
    if (code == 4) gamma(2.2);
    if (code == 5) gamma(2.8);
    if (code == 8) gamma(1);
    if (code == 17) gamma(2.6);
    if (code == 16) colour.transfer = SourceColour::Transfer::pq;
    if (code == 18) colour.transfer = SourceColour::Transfer::hlg;
}

bool is_video_curve(std::uint8_t code) {
    return code == 1 || code == 6 || code == 11 || code == 14 || code == 15;
}

double srgb_to_linear(double sample) {
    return sample <= 0.04045 ? sample / 12.92 : std::pow((sample + 0.055) / 1.055, 2.4);
}

double linear_to_srgb(double light) {
    return light <= 0.0031308 ? light * 12.92 : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

/// SMPTE ST 2084, in units of white.
double pq_to_linear(double sample) {
    constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
    constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;
    const double power = std::pow(sample, 1 / kM2);
    return std::pow(std::max(0.0, power - kC1) / (kC2 - kC3 * power), 1 / kM1) * 10'000 / kWhiteLuminance;
}

/// BT.2100: scene light, 0 to 1. hlg_to_display() goes on from there.
double hlg_to_linear(double sample) {
    constexpr double kA = 0.17883277, kB = 1 - 4 * kA;
    const double c = 0.5 - kA * std::log(4 * kA);
    return sample <= 0.5 ? sample * sample / 3 : (std::exp((sample - c) / kA) + kB) / 12;
}

double to_linear(const SourceColour& colour, double sample) {
    switch (colour.transfer) {
        case SourceColour::Transfer::srgb:
            return srgb_to_linear(sample);
        case SourceColour::Transfer::gamma:
            return std::pow(sample, colour.exponent);
        case SourceColour::Transfer::pq:
            return pq_to_linear(sample);
        case SourceColour::Transfer::hlg:
            return hlg_to_linear(sample);
    }
    return sample;
}

/// Scene light to display light in units of white: BT.2100's OOTF.
void hlg_to_display(Vector& light) {
    const double luma = kBt2020Luma[0] * light[0] + kBt2020Luma[1] * light[1] + kBt2020Luma[2] * light[2];
    const double factor = luma <= 0 ? 0 : std::pow(luma, kHlgSystemGamma - 1) * kPeak;
    for (double& channel : light)
        channel *= factor;
}

/// Half the light up to white, then a quadratic Bézier curve that starts in the same direction and ends at the peak.
double toned(double brightest) {
    constexpr double kWhite = 0.5, kBend = 0.65;
    if (brightest <= 1) return kWhite * brightest;
    if (brightest >= kPeak) return 1;
    constexpr double kMiddleX = 1 + kBend, kMiddleY = kWhite * (1 + kBend);
    constexpr double kA = 1 - 2 * kMiddleX + kPeak, kB = 2 * (kMiddleX - 1);
    const double t = (std::sqrt(kB * kB - 4 * kA * (1 - brightest)) - kB) / (2 * kA);
    return (1 - t) * (1 - t) * kWhite + 2 * t * (1 - t) * kMiddleY + t * t;
}

void roll_off(Vector& light) {
    const double brightest = std::max({light[0], light[1], light[2]});
    if (brightest <= 0) return;
    const double factor = toned(brightest) / brightest;
    for (double& channel : light)
        channel *= factor;
}

/// Tables of one conversion: its samples' light, and the 8-bit level of any light.
struct Tables {
    std::vector<double> light;
    std::vector<std::uint8_t> levels;

    Tables(const SourceColour& colour, std::size_t samples) : light(samples), levels(kEncodeSteps + 1) {
        const auto largest = static_cast<double>(samples - 1);
        for (std::size_t i = 0; i < samples; ++i)
            light[i] = to_linear(colour, static_cast<double>(i) / largest);
        for (std::size_t i = 0; i <= kEncodeSteps; ++i)
            levels[i] = static_cast<std::uint8_t>(
                std::lround(255 * linear_to_srgb(static_cast<double>(i) / kEncodeSteps)));
    }
    std::uint8_t level(double channel) const {
        return levels[static_cast<std::size_t>(std::clamp(channel, 0.0, 1.0) * kEncodeSteps + 0.5)];
    }
};

template <class Sample>
void convert(const Sample* from, std::uint8_t* to, std::size_t pixels, std::size_t bands,
             const SourceColour& colour) {
    constexpr std::size_t kSamples = std::size_t{1} << (8 * sizeof(Sample));
    constexpr int kShift = 8 * (sizeof(Sample) - 1);
    const Tables tables(colour, kSamples);
    const std::size_t colours = bands < 3 ? 1 : 3;
    for (std::size_t i = 0; i < pixels; ++i, from += bands, to += bands) {
        Vector light{};
        for (std::size_t channel = 0; channel < 3; ++channel)
            light[channel] = tables.light[from[colours == 1 ? 0 : channel]];
        if (colour.transfer == SourceColour::Transfer::hlg) hlg_to_display(light);
        if (colour.is_hdr()) roll_off(light);
        // Equal channels stay equal: the matrix maps white onto white.
        if (colours == 3) light = multiply(colour.matrix, light);
        for (std::size_t channel = 0; channel < colours; ++channel)
            to[channel] = tables.level(light[channel]);
        if (bands > colours) to[colours] = static_cast<std::uint8_t>(from[colours] >> kShift);
    }
}

}  // namespace

bool are_wide(const ColourTags& tags) {
    std::optional<Chromaticities> from;
    if (tags.code_points)
        from = primaries(tags.code_points->primaries);
    else if (tags.gamma)
        from = tags.chromaticities;
    const auto area = [](const Chromaticities& of) {
        return std::abs((of.green.x - of.red.x) * (of.blue.y - of.red.y) -
                        (of.blue.x - of.red.x) * (of.green.y - of.red.y));
    };
    constexpr double kWide = 1.1;  ///< as is_wide_icc()
    return from && area(*from) > kWide * area(kBt709);
}

std::optional<SourceColour> source_colour(const ColourTags& tags, ColourSpace to) {
    SourceColour colour;
    std::optional<Chromaticities> from = tags.chromaticities;
    if (tags.code_points) {
        set_transfer(tags.code_points->transfer, colour);
        if (tags.video_curve == ColourTags::VideoCurve::bt1886 &&
            is_video_curve(tags.code_points->transfer)) {
            colour.transfer = SourceColour::Transfer::gamma;
            colour.exponent = kBt1886Gamma;
        }
        from = primaries(tags.code_points->primaries);
    } else if (tags.gamma && (from || std::abs(*tags.gamma * kUsualGamma - 1) > kSameGamma)) {
        colour.transfer = SourceColour::Transfer::gamma;
        colour.exponent = 1 / *tags.gamma;
    } else {
        from.reset();
    }
    if (from) {
        if (const auto matrix = linear_to(to, *from)) colour.matrix = *matrix;
    }
    const Matrix nothing = SourceColour{}.matrix;
    const bool same = std::equal(nothing.begin(), nothing.end(), colour.matrix.begin(),
                                 [](double a, double b) { return std::abs(a - b) < 0.002; });
    if (colour.transfer == SourceColour::Transfer::srgb && same) return std::nullopt;
    return colour;
}

Image convert_colours(VipsImage* device, const SourceColour& colour) {
    const Image held(vips_image_copy_memory(device));
    if (!held) return {};
    const int bands = vips_image_get_bands(held.get());
    const VipsBandFormat depth = vips_image_get_format(held.get());
    const bool wide = depth == VIPS_FORMAT_USHORT;
    if (bands < 1 || bands > 4 || (!wide && depth != VIPS_FORMAT_UCHAR)) return {};
    const int width = vips_image_get_width(held.get()), height = vips_image_get_height(held.get());
    const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    const auto stride = static_cast<std::size_t>(bands);
    Bytes out(pixels * stride);
    const BytesView from = pixels_of(held.get());
    if (wide) {
        std::vector<std::uint16_t> samples(pixels * stride);
        std::memcpy(samples.data(), from.data(), samples.size() * sizeof(std::uint16_t));
        convert(samples.data(), out.data(), pixels, stride, colour);
    } else {
        convert(from.data(), out.data(), pixels, stride, colour);
    }
    Image made(
        vips_image_new_from_memory_copy(out.data(), out.size(), width, height, bands, VIPS_FORMAT_UCHAR));
    if (made) made->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    return made;
}

}  // namespace photogate::imaging

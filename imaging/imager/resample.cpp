#include "imaging/imager/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace photogate::imaging {
namespace {

constexpr double kLobes = 3;
constexpr int kWeightBits = 14;
/// Of a row between the two halves, behind the point: with the overshoot of the filter it fits into 16 bits.
constexpr int kRowBits = 6;
constexpr int kRowShift = kWeightBits - kRowBits;
constexpr int kPixelShift = kWeightBits + kRowBits;
/// What the vector code may read behind a row.
constexpr std::size_t kSlack = 32;
/// Rows that are asked for at a time.
constexpr int kStrip = 16;

double lanczos(double x) {
    if (x == 0) return 1;
    if (std::abs(x) >= kLobes) return 0;
    const double angle = std::numbers::pi * x;
    return kLobes * std::sin(angle) * std::sin(angle / kLobes) / (angle * angle);
}

/// Which numbers make up each result along one axis, and their shares.
class Filter {
  public:
    /// `multiple`: of which the number of taps is one.
    Filter(int from, int to, int multiple) {
        const double scale = static_cast<double>(from) / to;
        const double reach = kLobes * scale;
        const int most = static_cast<int>(2 * reach) + 2;
        taps_ = (most + multiple - 1) / multiple * multiple;
        weights_.resize(static_cast<std::size_t>(taps_) * static_cast<std::size_t>(to));
        std::vector<double> shares(static_cast<std::size_t>(taps_));
        for (int i = 0; i < to; ++i) {
            const double centre = (i + 0.5) * scale - 0.5;
            const int low = static_cast<int>(std::ceil(centre - reach));
            const int high = static_cast<int>(std::floor(centre + reach));
            const int first = std::clamp(low, 0, std::max(0, from - taps_));
            firsts_.push_back(first);
            std::fill(shares.begin(), shares.end(), 0.0);
            // What lies outside is taken to be as the edge.
            for (int at = low; at <= high; ++at)
                shares[static_cast<std::size_t>(std::clamp(at, 0, from - 1) - first)] +=
                    lanczos((at - centre) / scale);
            settle(shares, weights_.data() + static_cast<std::ptrdiff_t>(i) * taps_);
        }
    }

    int taps() const { return taps_; }
    int first(int result) const { return firsts_[static_cast<std::size_t>(result)]; }
    const std::int16_t* weights(int result) const {
        return weights_.data() + static_cast<std::ptrdiff_t>(result) * taps_;
    }

  private:
    /// So that they are exactly one together: an area of one colour keeps it.
    static void settle(const std::vector<double>& shares, std::int16_t* weights) {
        double sum = 0;
        for (const double share : shares)
            sum += share;
        int left = 1 << kWeightBits;
        std::size_t largest = 0;
        for (std::size_t k = 0; k < shares.size(); ++k) {
            weights[k] = static_cast<std::int16_t>(std::lround(shares[k] / sum * (1 << kWeightBits)));
            left -= weights[k];
            if (weights[k] > weights[largest]) largest = k;
        }
        weights[largest] = static_cast<std::int16_t>(weights[largest] + left);
    }

    int taps_ = 0;
    std::vector<int> firsts_;
    std::vector<std::int16_t> weights_;
};

/// The rows of a picture that a result is made of, with its weights: an even number.
struct Rows {
    const std::uint8_t* const* rows;
    const std::int16_t* weights;
    int count;
};

void blend_rows_plainly(const Rows& rows, std::size_t from, std::size_t to, std::int16_t* out) {
    for (std::size_t x = from; x < to; ++x) {
        std::int32_t sum = 1 << (kRowShift - 1);
        for (int k = 0; k < rows.count; ++k)
            sum += rows.weights[k] * rows.rows[k][x];
        out[x] = static_cast<std::int16_t>(sum >> kRowShift);
    }
}

std::uint8_t to_pixel(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp((sum + (1 << (kPixelShift - 1))) >> kPixelShift, 0, 255));
}

/// A row of the result, of one that is as wide as the picture.
struct Columns {
    const std::int16_t* row;
    const Filter& filter;
    int bands;
    int width;
};

void blend_columns_plainly(const Columns& columns, std::uint8_t* out) {
    for (int x = 0; x < columns.width; ++x) {
        const std::int16_t* from = columns.row + columns.filter.first(x) * columns.bands;
        const std::int16_t* weights = columns.filter.weights(x);
        for (int band = 0; band < columns.bands; ++band) {
            std::int32_t sum = 0;
            for (int k = 0; k < columns.filter.taps(); ++k)
                sum += weights[k] * from[k * columns.bands + band];
            *out++ = to_pixel(sum);
        }
    }
}

#if defined(__x86_64__)

/// Two neighbouring 16-bit weights.
std::int32_t pair_at(const std::int16_t* weights) {
    std::int32_t pair = 0;
    std::memcpy(&pair, weights, sizeof pair);
    return pair;
}

std::size_t blend_rows_by_16(const Rows& rows, std::size_t size, std::int16_t* out) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i half = _mm_set1_epi32(1 << (kRowShift - 1));
    std::size_t x = 0;
    for (; x + 16 <= size; x += 16) {
        __m128i a = half, b = half, c = half, d = half;
        for (int k = 0; k < rows.count; k += 2) {
            const __m128i weights = _mm_set1_epi32(pair_at(rows.weights + k));
            const __m128i upper = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.rows[k] + x));
            const __m128i lower = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.rows[k + 1] + x));
            const __m128i left = _mm_unpacklo_epi8(upper, lower), right = _mm_unpackhi_epi8(upper, lower);
            a = _mm_add_epi32(a, _mm_madd_epi16(_mm_unpacklo_epi8(left, zero), weights));
            b = _mm_add_epi32(b, _mm_madd_epi16(_mm_unpackhi_epi8(left, zero), weights));
            c = _mm_add_epi32(c, _mm_madd_epi16(_mm_unpacklo_epi8(right, zero), weights));
            d = _mm_add_epi32(d, _mm_madd_epi16(_mm_unpackhi_epi8(right, zero), weights));
        }
        auto* to = reinterpret_cast<__m128i*>(out + x);
        _mm_storeu_si128(to, _mm_packs_epi32(_mm_srai_epi32(a, kRowShift), _mm_srai_epi32(b, kRowShift)));
        _mm_storeu_si128(to + 1, _mm_packs_epi32(_mm_srai_epi32(c, kRowShift), _mm_srai_epi32(d, kRowShift)));
    }
    return x;
}

__attribute__((target("avx2"))) std::size_t blend_rows_by_32(const Rows& rows, std::size_t size,
                                                             std::int16_t* out) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i half = _mm256_set1_epi32(1 << (kRowShift - 1));
    std::size_t x = 0;
    for (; x + 32 <= size; x += 32) {
        __m256i a = half, b = half, c = half, d = half;
        for (int k = 0; k < rows.count; k += 2) {
            const __m256i weights = _mm256_set1_epi32(pair_at(rows.weights + k));
            const __m256i upper = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows.rows[k] + x));
            const __m256i lower = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows.rows[k + 1] + x));
            const __m256i left = _mm256_unpacklo_epi8(upper, lower),
                          right = _mm256_unpackhi_epi8(upper, lower);
            a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_unpacklo_epi8(left, zero), weights));
            b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_unpackhi_epi8(left, zero), weights));
            c = _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_unpacklo_epi8(right, zero), weights));
            d = _mm256_add_epi32(d, _mm256_madd_epi16(_mm256_unpackhi_epi8(right, zero), weights));
        }
        // Each half of a register has gone its own way.
        const __m256i first =
            _mm256_packs_epi32(_mm256_srai_epi32(a, kRowShift), _mm256_srai_epi32(b, kRowShift));
        const __m256i second =
            _mm256_packs_epi32(_mm256_srai_epi32(c, kRowShift), _mm256_srai_epi32(d, kRowShift));
        auto* to = reinterpret_cast<__m256i*>(out + x);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(first, second, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(first, second, 0x31));
    }
    return x;
}

/// Three sums of one pixel; the fourth byte is whatever follows.
void put_pixel(__m128i sums, std::uint8_t* out) {
    sums = _mm_srai_epi32(_mm_add_epi32(sums, _mm_set1_epi32(1 << (kPixelShift - 1))), kPixelShift);
    sums = _mm_packs_epi32(sums, sums);
    const std::int32_t pixel = _mm_cvtsi128_si32(_mm_packus_epi16(sums, sums));
    std::memcpy(out, &pixel, sizeof pixel);
}

/// Of three colours, two taps at a time.
void blend_columns_by_2(const Columns& columns, std::uint8_t* out) {
    const Filter& filter = columns.filter;
    for (int x = 0; x < columns.width; ++x, out += 3) {
        const std::int16_t* from = columns.row + filter.first(x) * 3;
        const std::int16_t* weights = filter.weights(x);
        __m128i sums = _mm_setzero_si128();
        for (int k = 0; k < filter.taps(); k += 2, from += 6) {
            const __m128i left = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
            const __m128i right = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + 3));
            sums = _mm_add_epi32(
                sums, _mm_madd_epi16(_mm_unpacklo_epi16(left, right), _mm_set1_epi32(pair_at(weights + k))));
        }
        put_pixel(sums, out);
    }
}

/// As above, four taps at a time.
__attribute__((target("avx2"))) void blend_columns_by_4(const Columns& columns, std::uint8_t* out) {
    // R0 G0 B0 R1 G1 B1 to R0 R1 G0 G1 B0 B1; the weights 0 and 1 in one half, 2 and 3 in the other.
    const __m256i by_colour = _mm256_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1,  //
                                               0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
    const __m256i to_halves = _mm256_setr_epi8(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,  //
                                               4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
    const Filter& filter = columns.filter;
    for (int x = 0; x < columns.width; ++x, out += 3) {
        const std::int16_t* from = columns.row + filter.first(x) * 3;
        const std::int16_t* weights = filter.weights(x);
        __m256i sums = _mm256_setzero_si256();
        for (int k = 0; k < filter.taps(); k += 4, from += 12) {
            const __m256i pixels = _mm256_inserti128_si256(
                _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))),
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 6)), 1);
            const __m256i four =
                _mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights + k)));
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, by_colour),
                                                            _mm256_shuffle_epi8(four, to_halves)));
        }
        put_pixel(_mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)), out);
    }
}

Vectors usable(Vectors wanted) {
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    return wanted == Vectors::widest && !has_avx2 ? Vectors::sse2 : wanted;
}

void blend_rows(const Rows& rows, std::size_t size, std::int16_t* out, Vectors vectors) {
    std::size_t done = 0;
    if (vectors == Vectors::widest) done = blend_rows_by_32(rows, size, out);
    if (vectors == Vectors::sse2) done = blend_rows_by_16(rows, size, out);
    blend_rows_plainly(rows, done, size, out);
}

void blend_columns(const Columns& columns, std::uint8_t* out, Vectors vectors) {
    if (columns.bands != 3 || vectors == Vectors::none)
        blend_columns_plainly(columns, out);
    else if (vectors == Vectors::widest)
        blend_columns_by_4(columns, out);
    else
        blend_columns_by_2(columns, out);
}

#else

Vectors usable(Vectors) {
    return Vectors::none;
}

void blend_rows(const Rows& rows, std::size_t size, std::int16_t* out, Vectors) {
    blend_rows_plainly(rows, 0, size, out);
}

void blend_columns(const Columns& columns, std::uint8_t* out, Vectors) {
    blend_columns_plainly(columns, out);
}

#endif

struct UnrefRegion {
    void operator()(VipsRegion* region) const { g_object_unref(region); }
};

/// The rows that are still needed of a picture that is read from its top.
class RowReader {
  public:
    RowReader(VipsImage* in, int kept)
        : in_(in), region_(vips_region_new(in)), size_(VIPS_IMAGE_SIZEOF_LINE(in)), held_(kept + kStrip) {
        rows_.resize(size_ * static_cast<std::size_t>(held_));
    }

    bool read_to(int end) {
        end = std::min(end, vips_image_get_height(in_));
        while (next_ < end) {
            const VipsRect strip{0, next_, vips_image_get_width(in_),
                                 std::min(kStrip, vips_image_get_height(in_) - next_)};
            if (vips_region_prepare(region_.get(), &strip) != 0) return false;
            for (int row = 0; row < strip.height; ++row, ++next_)
                std::memcpy(place(next_), VIPS_REGION_ADDR(region_.get(), 0, next_), size_);
        }
        return true;
    }
    const std::uint8_t* row(int number) { return place(std::min(number, vips_image_get_height(in_) - 1)); }

  private:
    std::uint8_t* place(int number) {
        return rows_.data() + size_ * static_cast<std::size_t>(number % held_);
    }

    VipsImage* in_;
    std::unique_ptr<VipsRegion, UnrefRegion> region_;
    std::size_t size_;
    int held_;
    int next_ = 0;
    std::vector<std::uint8_t> rows_;
};

}  // namespace

bool can_resample(VipsImage* image) {
    const int bands = vips_image_get_bands(image);
    const VipsInterpretation kind = vips_image_get_interpretation(image);
    return vips_image_get_format(image) == VIPS_FORMAT_UCHAR &&
           vips_image_get_coding(image) == VIPS_CODING_NONE &&
           ((bands == 3 && kind == VIPS_INTERPRETATION_sRGB) ||
            (bands == 1 && kind == VIPS_INTERPRETATION_B_W));
}

Image resampled(VipsImage* in, int width, int height, Vectors wanted) {
    const Vectors vectors = usable(wanted);
    const int bands = vips_image_get_bands(in);
    const Filter across(vips_image_get_width(in), width, 4);
    const Filter down(vips_image_get_height(in), height, 2);
    const std::size_t size = VIPS_IMAGE_SIZEOF_LINE(in);
    const auto result = static_cast<std::size_t>(width) * static_cast<std::size_t>(bands);

    Image made(vips_image_new_memory());
    if (!made) return {};
    vips_image_init_fields(made.get(), width, height, bands, VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
                           vips_image_get_interpretation(in), 1, 1);
    std::vector<std::uint8_t> line(result + kSlack);
    // Weights of nothing may reach behind the row.
    std::vector<std::int16_t> row(
        std::max(size, static_cast<std::size_t>(across.taps()) * static_cast<std::size_t>(bands)) + kSlack);
    std::vector<const std::uint8_t*> rows(static_cast<std::size_t>(down.taps()));
    RowReader reader(in, down.taps());
    for (int y = 0; y < height; ++y) {
        const int first = down.first(y);
        if (!reader.read_to(first + down.taps())) return {};
        for (int k = 0; k < down.taps(); ++k)
            rows[static_cast<std::size_t>(k)] = reader.row(first + k);
        blend_rows({rows.data(), down.weights(y), down.taps()}, size, row.data(), vectors);
        blend_columns({row.data(), across, bands, width}, line.data(), vectors);
        if (vips_image_write_line(made.get(), y, line.data()) != 0) return {};
    }
    // To its end, whatever the result is made of: the whole file is to be proved.
    if (!reader.read_to(vips_image_get_height(in))) return {};
    return made;
}

Image shrunk_to(VipsImage* in, int edge) {
    const int width = vips_image_get_width(in), height = vips_image_get_height(in);
    const double factor = static_cast<double>(std::max(width, height)) / edge;
    if (!can_resample(in)) {
        Image small;
        vips_thumbnail_image(in, OutImage(small), edge, "height", edge, "size", VIPS_SIZE_DOWN, "no_rotate",
                             TRUE, nullptr);
        return small;
    }
    if (factor <= 1) {
        g_object_ref(in);
        return Image(in);
    }
    const auto side = [&](int whole) { return std::max(1, static_cast<int>(std::lround(whole / factor))); };
    return resampled(in, side(width), side(height));
}

}  // namespace photogate::imaging

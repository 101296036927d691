// Debian's image stack from within: what decode() and encode() step round, called as the worker process calls them.
// A look at libvips alone fails once a newer one behaves: then the workaround beside it can go.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "imaging/containers/inspect.hpp"
#include "imaging/imager/decode.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/imager/pixels.hpp"
#include "imaging/imager/process_image.hpp"
#include "imaging/imager/start_up.hpp"
#include "imaging/imager/test_pictures.hpp"

namespace photogate::imaging {
namespace {

class DecoderTraps : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        const auto up = start_libraries({});
        ASSERT_TRUE(up) << up.error().detail;
        vips_error_clear();
    }
    static Image noise(int width, int height) {
        Image grey;
        Image cast;
        EXPECT_EQ(vips_gaussnoise(OutImage(grey), width, height, "mean", 128.0, "sigma", 40.0, nullptr), 0);
        EXPECT_EQ(vips_cast(grey.get(), OutImage(cast), VIPS_FORMAT_UCHAR, nullptr), 0);
        return Image(vips_image_copy_memory(cast.get()));
    }
    static Bytes noise_as(Format format) { return encode(noise(300, 200).get(), {.format = format}).value(); }
    static tl::expected<Decoded, Rejection> decoded(BytesView bytes, std::uint32_t edge) {
        const Limits limits;
        const auto inspection = inspect(bytes, limits);
        if (!inspection) return tl::unexpected(inspection.error());
        return decode({.bytes = bytes, .inspection = &*inspection, .limits = &limits, .max_edge = edge});
    }
    static Answer developed(BytesView bytes, std::optional<Format> output = {}) {
        TaskOrder order;
        order.max_output = 16U << 20;
        order.task.versions.front().format = output;
        return process_image(order, bytes);
    }
};

/// How many loaders libvips builds while this lives: one for each time that a file is opened.
class LoadsCounted {
  public:
    LoadsCounted() : hook_(g_signal_add_emission_hook(signal(), 0, &count, this, nullptr)) {}
    ~LoadsCounted() { g_signal_remove_emission_hook(signal(), hook_); }
    LoadsCounted(const LoadsCounted&) = delete;
    LoadsCounted& operator=(const LoadsCounted&) = delete;
    int loads() const { return loads_; }

  private:
    static guint signal() { return g_signal_lookup("postbuild", VIPS_TYPE_OBJECT); }
    static gboolean count(GSignalInvocationHint*, guint, const GValue* values, gpointer self) {
        if (VIPS_IS_FOREIGN_LOAD(g_value_get_object(values))) ++static_cast<LoadsCounted*>(self)->loads_;
        return TRUE;
    }
    gulong hook_;
    int loads_ = 0;
};

bool is_published(const Answer& answer) {
    return answer && std::holds_alternative<Processed>(*answer);
}

/// The file with another size in its property `ispe`.
Bytes with_stated_size(BytesView heif, std::uint32_t width, std::uint32_t height) {
    Bytes file(heif.begin(), heif.end());
    const std::size_t at = as_text(file).find("ispe") + 8;
    for (std::size_t i = 0; i < 4; ++i) {
        file[at + i] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
        file[at + 4 + i] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    return file;
}

TEST_F(DecoderTraps, refuses_heif_of_far_more_pixels_than_its_bytes_are_worth_before_decoding) {
    const auto code = [](const Answer& answer) {
        return answer && std::holds_alternative<Rejection>(*answer) ? std::get<Rejection>(*answer).code
                                                                    : RejectionCode::timeout;
    };
    for (const BytesView picture : {kTinyHeic, kTinyAvif}) {
        EXPECT_EQ(code(developed(with_stated_size(picture, 14'000, 14'000))), RejectionCode::too_many_pixels);
        EXPECT_NE(code(developed(with_stated_size(picture, 8'064, 6'048))), RejectionCode::too_many_pixels)
            << "a phone's 48 megapixels are decoded (and found not to be there)";
    }
}

TEST_F(DecoderTraps, three_versions_are_made_of_one_decode) {
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
        const Bytes bytes = noise_as(format);
        const auto loads_of = [&](std::vector<std::uint32_t> edges) {
            TaskOrder order;
            order.max_output = 16U << 20;
            order.task.versions.clear();
            for (const auto edge : edges)
                order.task.versions.push_back({.max_edge = edge, .growth = Growth::accept});
            const LoadsCounted counted;
            EXPECT_TRUE(is_published(process_image(order, bytes)));
            return counted.loads();
        };
        const int one = loads_of({200});
        EXPECT_GE(one, 1) << to_string(format);
        EXPECT_EQ(loads_of({200, 100, 50}), one) << to_string(format);
    }
}

// --- Trap 10

TEST_F(DecoderTraps, judges_heif_by_result_instead_of_error_buffer) {
    // As libheif 1.15 leaves them; 1.19 is silent.
    for (const BytesView picture : {kTinyHeic, kTinyAvif}) {
        vips_error("heif", "%s", "source: bad seek to 12345");
        EXPECT_TRUE(decoded(picture, 64));
        vips_error("heif", "%s", "source: bad seek to 12345");
        EXPECT_TRUE(is_published(developed(picture)));
    }
}

TEST_F(DecoderTraps, ignores_error_text_left_by_previous_picture) {
    const Bytes jpeg = noise_as(Format::jpeg);
    // What libjpeg says of a damaged scan; for a JPEG these words are what a rejection is made of.
    vips_error("VipsJpeg", "%s", "Corrupt JPEG data: bad Huffman code");
    EXPECT_TRUE(decoded(jpeg, 100));
    vips_error("VipsJpeg", "%s", "Corrupt JPEG data: bad Huffman code");
    EXPECT_TRUE(is_published(developed(jpeg)));
    EXPECT_STREQ(vips_error_buffer(), "");
}

// --- Trap 14

TEST_F(DecoderTraps, reads_base_twice_where_a_lazy_thumbnail_fails) {
    const Bytes png = encode(noise(1200, 900).get(), {.format = Format::png}).value();
    Image lazy;
    ASSERT_EQ(vips_thumbnail_buffer(const_cast<std::uint8_t*>(png.data()), png.size(), OutImage(lazy), 900,
                                    nullptr),
              0);
    const auto once = encode(lazy.get(), {.format = Format::webp});
    const auto twice = encode(lazy.get(), {.format = Format::webp});
    EXPECT_FALSE(once && twice && *once == *twice) << "a lazy thumbnail can be saved twice now (trap 14)";
    vips_error_clear();

    const auto base = decoded(png, 900);
    ASSERT_TRUE(base);
    const auto first = encode(base->base.get(), {.format = Format::webp});
    const auto second = encode(base->base.get(), {.format = Format::webp});
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
}

// --- Trap 17

TEST_F(DecoderTraps, keeps_large_pictures_in_memory_on_one_thread) {
    EXPECT_EQ(vips_get_disc_threshold(), 1ULL << 30);
    EXPECT_EQ(vips_concurrency_get(), 1);
    EXPECT_EQ(vips_cache_get_max(), 0);
}

// --- Trap 19

TEST_F(DecoderTraps, reads_and_writes_every_format_with_options_of_this_libvips) {
    const Image picture = noise(200, 150);
    void* memory = nullptr;
    std::size_t size = 0;
    // Trap 19: 8.15 has `keep`, which this program must do without; `strip` goes on working there.
    const bool has_keep = vips_version(0) > 8 || vips_version(1) >= 15;
    EXPECT_EQ(vips_jpegsave_buffer(picture.get(), &memory, &size, "keep", 0, nullptr) == 0, has_keep);
    g_free(memory);
    vips_error_clear();
    for (const Format from : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
        const auto bytes = encode(picture.get(), {.format = from});
        ASSERT_TRUE(bytes) << to_string(from) << ": " << take_vips_words();
        for (const Format to : {Format::jpeg, Format::png, Format::webp, Format::gif, Format::avif}) {
            EXPECT_TRUE(is_published(developed(*bytes, to))) << to_string(from) << " to " << to_string(to);
        }
    }
    for (const char* saver : {"[compression=none]", "[compression=deflate,tile]", "[compression=jpeg]"}) {
        void* tiff = nullptr;
        const std::string target = std::string(".tif") + saver;
        ASSERT_EQ(vips_image_write_to_buffer(picture.get(), target.c_str(), &tiff, &size, nullptr), 0)
            << saver;
        EXPECT_TRUE(is_published(developed({static_cast<const std::uint8_t*>(tiff), size}))) << saver;
        g_free(tiff);
    }
    EXPECT_TRUE(is_published(developed(kTinyHeic)));
    EXPECT_TRUE(is_published(developed(kTinyAvif)));
}

}  // namespace
}  // namespace photogate::imaging

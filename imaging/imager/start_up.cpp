#include "imaging/imager/start_up.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include <gmodule.h>
#include <malloc.h>
#include <unistd.h>

#include "imaging/imager/draw_caption.hpp"
#include "imaging/imager/encode.hpp"
#include "imaging/imager/process_image.hpp"
#include "imaging/imager/test_pictures.hpp"
#include "imaging/imager/vips_image.hpp"

namespace photogate::imaging {
namespace {

constexpr int kWarmUpEdge = 64;
constexpr const char* kHeifModule = PHOTOGATE_VIPS_HEIF_MODULE;

/// GLib's own handler asks for the peer of standard error and prints text that a file's author chose (trap
/// 16). Ours is silent, but for what GLib is about to die of.
void say_nothing(const gchar*, GLogLevelFlags level, const gchar*, gpointer) {
    if ((level & G_LOG_LEVEL_ERROR) == 0) return;
    constexpr std::string_view kWords = "GLib aborts: out of memory or a broken invariant\n";
    (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
}

GLogWriterOutput write_nothing(GLogLevelFlags level, const GLogField*, gsize, gpointer) {
    say_nothing(nullptr, level, nullptr, nullptr);
    return G_LOG_WRITER_HANDLED;
}

/// libvips chooses a loader from the bytes: all are switched off, then the six that we mean are switched on
/// (trap 20).
void allow_six_loaders() {
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (const char* loader : {"VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp",
                               "VipsForeignLoadNsgif", "VipsForeignLoadHeif", "VipsForeignLoadTiff"}) {
        vips_operation_block_set(loader, FALSE);
    }
}

tl::unexpected<Error> unusable(const std::string& what) {
    return fail(ErrorCode::imager_unavailable, what);
}

/// Where libvips' loaders are modules of their own, we want one of them, for HEIF and AVIF. The others (ImageMagick,
/// Poppler, OpenSlide, JPEG XL) take as long to load as all the rest, and are code that strangers' bytes need not be near.
Result<> start_libvips() {
    const bool modular = ::access(kHeifModule, R_OK) == 0;
    // The folder above those of the modules: where it does not exist, none is loaded.
    if (modular && ::setenv("VIPSHOME", "/nonexistent", 1) != 0)
        return unusable("the environment can't be set");
    if (VIPS_INIT("photogate-imager") != 0) return unusable("libvips does not start: " + take_vips_words());
    if (!modular) return {};
    GModule* heif = g_module_open(kHeifModule, G_MODULE_BIND_LAZY);
    if (heif == nullptr)
        return unusable(std::string("libvips' module for HEIF can't be loaded: ") + g_module_error());
    g_module_make_resident(heif);
    return {};
}

Result<> try_out(Format format, BytesView picture) {
    TaskOrder order;
    order.max_output = 16U << 20;
    order.task.versions.front().max_edge = kWarmUpEdge / 2;
    const Answer answer = process_image(order, picture);
    if (answer && std::holds_alternative<Processed>(*answer)) return {};
    std::string why = answer ? std::get<Rejection>(*answer).detail : answer.error().detail;
    return unusable("the self-test with " + std::string(to_string(format)) + " fails: " + why);
}

/// A smooth picture with a little of everything.
Image gradient() {
    Image coordinates;
    Image scaled;
    Image colours;
    const std::array<double, 3> factors{1.3, 0.9, 0.4};
    const std::array<double, 3> offsets{10, 40, 90};
    Image first;
    Image three;
    if (vips_xyz(OutImage(coordinates), kWarmUpEdge, kWarmUpEdge, nullptr) != 0) return {};
    if (vips_extract_band(coordinates.get(), OutImage(first), 0, nullptr) != 0) return {};
    std::array<VipsImage*, 2> parts{coordinates.get(), first.get()};
    if (vips_bandjoin(parts.data(), OutImage(three), static_cast<int>(parts.size()), nullptr) != 0) return {};
    if (vips_linear(three.get(), OutImage(scaled), factors.data(), offsets.data(), 3, "uchar", TRUE,
                    nullptr) != 0) {
        return {};
    }
    if (vips_copy(scaled.get(), OutImage(colours), "interpretation", VIPS_INTERPRETATION_sRGB, nullptr) != 0)
        return {};
    return Image(vips_image_copy_memory(colours.get()));
}

Result<> warm_up() {
    const Image picture = gradient();
    if (!picture) return unusable("libvips can't make a picture: " + take_vips_words());
    for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::gif}) {
        const auto bytes = encode(picture.get(), {.format = format});
        if (!bytes)
            return unusable("libvips can't write " + std::string(to_string(format)) + ": " +
                            take_vips_words());
        if (auto works = try_out(format, *bytes); !works) return works;
    }
    if (can_encode(Format::avif)) {
        if (const auto bytes = encode(picture.get(), {.format = Format::avif}); !bytes)
            return unusable("libheif can't write AVIF");
    }
    if (auto works = try_out(Format::avif, kTinyAvif); !works) {
        return unusable(works.error().detail + "; is an AV1 decoder there (libheif-plugin-dav1d)?");
    }
    if (auto works = try_out(Format::heic, kTinyHeic); !works) {
        return unusable(works.error().detail + "; is an HEVC decoder there (libheif-plugin-libde265)?");
    }
    return {};
}

}  // namespace

Result<> start_libraries(const std::vector<std::string>& fonts) {
    // Read by libvips at its start: its warnings off, no temporary files for large pictures (trap 17), one
    // thread.
    for (const auto& [name, value] :
         {std::pair{"VIPS_WARNING", "0"}, std::pair{"VIPS_DISC_THRESHOLD", "1g"},
          std::pair{"VIPS_CONCURRENCY", "1"}, std::pair{"VIPS_BLOCK_UNTRUSTED", "1"}}) {
        if (::setenv(name, value, 1) != 0) return unusable("the environment can't be set");
    }
    // Few arenas: memory that one thread frees is used by the next.
    (void)::mallopt(M_ARENA_MAX, 2);
    // Buffers of a strip of rows come and go a hundred times a task: they are taken out of memory that is there, not
    // mapped and zeroed by the kernel each time. serve() gives back what is too much.
    (void)::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    (void)::mallopt(M_TRIM_THRESHOLD, 64 << 20);
    (void)::mallopt(M_TOP_PAD, 1 << 20);
    g_log_set_default_handler(say_nothing, nullptr);
    g_log_set_writer_func(write_nothing, nullptr, nullptr);
    if (auto started = start_libvips(); !started) return started;
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_cache_set_max_mem(0);
    vips_cache_set_max_files(0);
    allow_six_loaders();
    if (auto loaded = load_fonts(fonts); !loaded) return loaded;
    return warm_up();
}

}  // namespace photogate::imaging

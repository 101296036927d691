#include "imaging/containers/strip.hpp"

#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

Stripped rewrite(BytesView file, Format format, std::uint8_t orientation) {
    switch (format) {
        case Format::jpeg:
            return strip_jpeg(file, orientation);
        case Format::png:
            return strip_png(file);
        case Format::webp:
            return strip_webp(file);
        case Format::gif:
            return strip_gif(file);
        case Format::heic:
        case Format::avif:
            return strip_bmff(file);
        case Format::tiff:
            break;
    }
    return cannot_strip(RejectionCode::unsupported_format,
                        "A TIFF can't be stripped; it must be re-encoded.");
}

}  // namespace

bool can_strip(const Inspection& inspection) {
    switch (inspection.format) {
        case Format::jpeg:
        case Format::gif:
            return true;
        case Format::png:
        case Format::webp:
            return inspection.orientation == 1;
        case Format::heic:
        case Format::avif:
            return !inspection.has_hidden_pictures;
        case Format::tiff:
            return false;
    }
    return false;
}

tl::expected<Bytes, Rejection> strip(BytesView file, const Inspection& inspection) {
    return rewrite(file, inspection.format, inspection.orientation);
}

tl::expected<Bytes, Rejection> clean_container(BytesView encoded, Format format) {
    return rewrite(encoded, format, 1);
}

}  // namespace photogate::imaging

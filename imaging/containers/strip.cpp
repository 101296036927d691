#include "imaging/containers/strip.hpp"

#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

Stripped rewrite(BytesView file, Format format, std::uint8_t orientation, Hidden hidden, WorkBudget& budget) {
    switch (format) {
        case Format::jpeg:
            return strip_jpeg(file, orientation, hidden, budget);
        case Format::png:
            return strip_png(file, budget);
        case Format::webp:
            return strip_webp(file, budget);
        case Format::gif:
            return strip_gif(file, budget);
        case Format::heic:
        case Format::avif:
            return strip_bmff(file, budget);
        case Format::tiff:
            break;
    }
    return cannot_strip(RejectionCode::unsupported_format, "a TIFF can't be stripped; it must be re-encoded");
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

namespace {

/// The file up to the end that inspect() found, which need not be marked.
BytesView without_trailer(BytesView file, const Inspection& inspection) {
    const bool can_end_early = inspection.format == Format::jpeg || inspection.format == Format::png ||
                               inspection.format == Format::gif;
    return can_end_early && inspection.has_trailer() ? slice(file, {0, inspection.trailer.offset}) : file;
}

}  // namespace

tl::expected<Bytes, Rejection> strip(BytesView file, const Inspection& inspection, WorkBudget& budget) {
    return rewrite(without_trailer(file, inspection), inspection.format, inspection.orientation,
                   Hidden::removed, budget);
}

tl::expected<Bytes, Rejection> strip_for_decoder(BytesView file, const Inspection& inspection,
                                                 WorkBudget& budget) {
    return rewrite(without_trailer(file, inspection), inspection.format, 1, Hidden::left, budget);
}

tl::expected<Bytes, Rejection> strip(BytesView file, const Inspection& inspection) {
    WorkBudget budget = WorkBudget::for_file(file.size());
    return strip(file, inspection, budget);
}

tl::expected<Bytes, Rejection> clean_container(BytesView encoded, Format format) {
    WorkBudget budget = WorkBudget::for_file(encoded.size());
    return rewrite(encoded, format, 1, Hidden::left, budget);
}

}  // namespace photogate::imaging

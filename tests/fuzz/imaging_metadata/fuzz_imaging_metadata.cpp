// Any bytes: what is read from them is valid UTF-8 JSON, also where they are taken for a bare Exif, IPTC or
// XMP block.
#include <array>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "imaging/containers/metadata.hpp"

using namespace photogate;

namespace {

void check(BytesView file, const imaging::Inspection& inspection) {
    const imaging::Metadata metadata = imaging::read_metadata(file, inspection);
    const std::string json =
        imaging::to_json(metadata, imaging::ExifDetail::full, imaging::GpsPolicy::report);
    if (!is_utf8(json) || !nlohmann::json::accept(json)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView file(data, size);
    if (const auto found = imaging::inspect(file, imaging::Limits{})) check(file, *found);
    if (size == 0) return 0;
    static constexpr std::array kKinds = {imaging::CarrierKind::exif, imaging::CarrierKind::xmp,
                                          imaging::CarrierKind::photoshop, imaging::CarrierKind::iptc};
    static constexpr std::array kCodings = {imaging::CarrierCoding::plain, imaging::CarrierCoding::zlib,
                                            imaging::CarrierCoding::hex_text,
                                            imaging::CarrierCoding::zlib_hex_text};
    imaging::Inspection bare;
    bare.carriers = {{kKinds[data[0] & 3U], {1, size - 1}, kCodings[data[0] >> 2 & 3U]}};
    check(file, bare);
    return 0;
}

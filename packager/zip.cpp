#include "packager/zip.hpp"

#include <algorithm>
#include <limits>

#include <libdeflate.h>
#include <zlib.h>

#include "base/encoding.hpp"

namespace photogate::packager {

namespace {

// From these on a field says "see the ZIP64 record" (4.4.1.4).
constexpr std::uint64_t kFull32 = 0xFFFF'FFFF;
constexpr std::uint64_t kFull16 = 0xFFFF;

constexpr std::uint32_t kLocalHeader = 0x0403'4B50;
constexpr std::uint32_t kCentralRecord = 0x0201'4B50;
constexpr std::uint32_t kZip64End = 0x0606'4B50;
constexpr std::uint32_t kZip64Locator = 0x0706'4B50;
constexpr std::uint32_t kEnd = 0x0605'4B50;

constexpr std::uint16_t kZip64Extra = 0x0001;
constexpr std::uint16_t kTimestampExtra = 0x5455;

constexpr std::uint16_t kVersionStored = 10;  // 4.4.3.2: 1.0, the default
constexpr std::uint16_t kVersionZip64 = 45;
constexpr std::uint16_t kMadeByUnix = (3U << 8U) | kVersionZip64;
constexpr std::uint32_t kRegularFile = 0100'644U
                                       << 16U;  // st_mode, in the upper half of the external attributes
constexpr std::uint16_t kUtf8Name = 1U << 11U;
constexpr std::uint16_t kStored = 0;

constexpr std::uint64_t kLocalFixed = 30;
constexpr std::uint64_t kCentralFixed = 46;
constexpr std::uint64_t kTimestampSize = 9;
constexpr std::uint64_t kExtraHead = 4;
constexpr std::uint64_t kZip64Ends = 56 + 20;
constexpr std::uint64_t kEndSize = 22;

/// Little-endian, as all of the format is (4.4.1.1).
template <class Number>
void put(std::string& out, Number value) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
        out.push_back(static_cast<char>((value >> (8U * i)) & 0xFFU));
}

std::uint32_t clipped32(std::uint64_t value) {
    return static_cast<std::uint32_t>(std::min(value, kFull32));
}
std::uint16_t clipped16(std::uint64_t value) {
    return static_cast<std::uint16_t>(std::min(value, kFull16));
}

struct DosTime {
    std::uint16_t time = 0;
    std::uint16_t date = 0;
};

DosTime dos_time(std::chrono::sys_seconds at) {
    using namespace std::chrono;
    constexpr sys_seconds kFirst = sys_days{year{1980} / 1 / 1};
    constexpr sys_seconds kLast = sys_days{year{2108} / 1 / 1} - seconds{2};
    const sys_seconds held = std::clamp(at, kFirst, kLast);
    const auto day = floor<days>(held);
    const year_month_day date{day};
    const hh_mm_ss time{held - day};
    return {static_cast<std::uint16_t>((time.hours().count() << 11) | (time.minutes().count() << 5) |
                                       (time.seconds().count() / 2)),
            static_cast<std::uint16_t>(((static_cast<int>(date.year()) - 1980) << 9) |
                                       (static_cast<unsigned>(date.month()) << 5U) |
                                       static_cast<unsigned>(date.day()))};
}

bool has_timestamp(const Entry& entry) {
    const auto seconds = entry.modified.time_since_epoch().count();
    return seconds >= 0 && seconds <= std::numeric_limits<std::int32_t>::max();
}

/// The extended timestamp of Info-ZIP: the modification time alone, so that both records hold the same.
void put_timestamp(std::string& out, const Entry& entry) {
    if (!has_timestamp(entry)) return;
    put<std::uint16_t>(out, kTimestampExtra);
    put<std::uint16_t>(out, 5);
    out.push_back(1);
    put<std::uint32_t>(out, static_cast<std::uint32_t>(entry.modified.time_since_epoch().count()));
}

std::uint64_t timestamp_size(const Entry& entry) {
    return has_timestamp(entry) ? kTimestampSize : 0;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_large(const Entry& entry) {
    return entry.size >= kFull32;
}

/// The size of a ZIP64 field in the local header: both sizes or nothing (4.5.3).
std::uint64_t local_zip64(const Entry& entry) {
    return is_large(entry) ? kExtraHead + 16 : 0;
}

std::uint64_t central_zip64(const Entry& entry, std::uint64_t offset) {
    const std::uint64_t body = (is_large(entry) ? 16 : 0) + (offset >= kFull32 ? 8 : 0);
    return body == 0 ? 0 : kExtraHead + body;
}

/// What both headers have in common, from the version to the length of the name (4.3.7, 4.3.12).
void put_common(std::string& out, const Entry& entry, bool zip64) {
    const auto [time, date] = dos_time(entry.modified);
    put<std::uint16_t>(out, zip64 ? kVersionZip64 : kVersionStored);
    put<std::uint16_t>(out, is_ascii(entry.name) ? 0 : kUtf8Name);
    put<std::uint16_t>(out, kStored);
    put<std::uint16_t>(out, time);
    put<std::uint16_t>(out, date);
    put<std::uint32_t>(out, entry.crc32);
    put<std::uint32_t>(out, clipped32(entry.size));
    put<std::uint32_t>(out, clipped32(entry.size));
    put<std::uint16_t>(out, clipped16(entry.name.size()));
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, BytesView bytes) {
    return ::libdeflate_crc32(crc, bytes.data(), bytes.size());
}

std::uint32_t joined_crc32(std::uint32_t first, std::uint32_t second, std::uint64_t length) {
    return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(length)));
}

std::string local_header(const Entry& entry) {
    std::string out;
    out.reserve(local_header_size(entry));
    const std::uint64_t zip64 = local_zip64(entry);
    put<std::uint32_t>(out, kLocalHeader);
    put_common(out, entry, zip64 > 0);
    put<std::uint16_t>(out, static_cast<std::uint16_t>(zip64 + timestamp_size(entry)));
    out += entry.name;
    if (zip64 > 0) {
        put<std::uint16_t>(out, kZip64Extra);
        put<std::uint16_t>(out, 16);
        put<std::uint64_t>(out, entry.size);
        put<std::uint64_t>(out, entry.size);
    }
    put_timestamp(out, entry);
    return out;
}

std::uint64_t local_header_size(const Entry& entry) {
    return kLocalFixed + entry.name.size() + local_zip64(entry) + timestamp_size(entry);
}

std::string central_record(const Entry& entry, std::uint64_t offset) {
    std::string out;
    out.reserve(central_record_size(entry, offset));
    const std::uint64_t zip64 = central_zip64(entry, offset);
    put<std::uint32_t>(out, kCentralRecord);
    put<std::uint16_t>(out, kMadeByUnix);
    put_common(out, entry, zip64 > 0);
    put<std::uint16_t>(out, static_cast<std::uint16_t>(zip64 + timestamp_size(entry)));
    put<std::uint16_t>(out, 0);  // comment
    put<std::uint16_t>(out, 0);  // disk
    put<std::uint16_t>(out, 0);  // internal attributes
    put<std::uint32_t>(out, kRegularFile);
    put<std::uint32_t>(out, clipped32(offset));
    out += entry.name;
    if (zip64 > 0) {
        put<std::uint16_t>(out, kZip64Extra);
        put<std::uint16_t>(out, static_cast<std::uint16_t>(zip64 - kExtraHead));
        if (is_large(entry)) {
            put<std::uint64_t>(out, entry.size);
            put<std::uint64_t>(out, entry.size);
        }
        if (offset >= kFull32) put<std::uint64_t>(out, offset);
    }
    put_timestamp(out, entry);
    return out;
}

std::uint64_t central_record_size(const Entry& entry, std::uint64_t offset) {
    return kCentralFixed + entry.name.size() + central_zip64(entry, offset) + timestamp_size(entry);
}

namespace {

bool needs_zip64(std::uint64_t entries, std::uint64_t central_offset, std::uint64_t central_size) {
    return entries >= kFull16 || central_offset >= kFull32 || central_size >= kFull32;
}

}  // namespace

std::string end_of_archive(std::uint64_t entries, std::uint64_t central_offset, std::uint64_t central_size) {
    std::string out;
    if (needs_zip64(entries, central_offset, central_size)) {
        put<std::uint32_t>(out, kZip64End);
        put<std::uint64_t>(out, 44);  // of what follows in this record
        put<std::uint16_t>(out, kMadeByUnix);
        put<std::uint16_t>(out, kVersionZip64);
        put<std::uint32_t>(out, 0);  // this disk
        put<std::uint32_t>(out, 0);  // the directory's disk
        put<std::uint64_t>(out, entries);
        put<std::uint64_t>(out, entries);
        put<std::uint64_t>(out, central_size);
        put<std::uint64_t>(out, central_offset);
        put<std::uint32_t>(out, kZip64Locator);
        put<std::uint32_t>(out, 0);
        put<std::uint64_t>(out, central_offset + central_size);
        put<std::uint32_t>(out, 1);  // disks in all
    }
    put<std::uint32_t>(out, kEnd);
    put<std::uint16_t>(out, 0);
    put<std::uint16_t>(out, 0);
    put<std::uint16_t>(out, clipped16(entries));
    put<std::uint16_t>(out, clipped16(entries));
    put<std::uint32_t>(out, clipped32(central_size));
    put<std::uint32_t>(out, clipped32(central_offset));
    put<std::uint16_t>(out, 0);  // comment
    return out;
}

std::uint64_t end_of_archive_size(std::uint64_t entries, std::uint64_t central_offset,
                                  std::uint64_t central_size) {
    return kEndSize + (needs_zip64(entries, central_offset, central_size) ? kZip64Ends : 0);
}

std::uint64_t Layout::add(const Entry& entry) {
    const std::uint64_t offset = next_offset_;
    ++entries_;
    next_offset_ += local_header_size(entry) + entry.size;
    directory_size_ += central_record_size(entry, offset);
    return offset;
}

Extent Layout::finish() const {
    return {entries_, next_offset_, directory_size_,
            next_offset_ + directory_size_ + end_of_archive_size(entries_, next_offset_, directory_size_)};
}

}  // namespace photogate::packager

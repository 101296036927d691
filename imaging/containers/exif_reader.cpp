#include "imaging/containers/exif_reader.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "imaging/containers/exif_tags.hpp"
#include "imaging/containers/exif_values.hpp"
#include "imaging/containers/text.hpp"

namespace photogate::imaging {

namespace {

constexpr std::uint32_t kMaxEntries = 512;
constexpr std::size_t kMaxDirectories = 16;
constexpr std::uint64_t kMaxValue = 64 * 1024;
constexpr std::size_t kMaxNumbers = 16;  ///< of one reported list
constexpr std::size_t kMaxRaw = 400;

/// Seven digits: a centimetre.
double rounded(double degrees) {
    return std::round(degrees * 1e7) / 1e7 + 0.0;
}

struct GpsParts {
    std::string latitude_ref;
    std::string longitude_ref;
    std::optional<double> latitude;
    std::optional<double> longitude;
    std::optional<double> altitude;
    bool below_sea = false;
};

class ExifReader {
  public:
    ExifReader(BytesView tiff, Metadata& into, WorkBudget& budget)
        : tiff_(tiff),
          endian_(starts_with(tiff, "II") ? Endian::little : Endian::big),
          out_(into),
          budget_(budget) {}

    void run() {
        if (!starts_with(tiff_, "II") && !starts_with(tiff_, "MM")) return;
        ByteReader header(tiff_, endian_);
        header.skip(2);
        const std::uint16_t magic = header.u16();
        const std::uint32_t first = header.u32();
        if (!header.ok() || magic != 42) return;
        directory(ExifDirectory::image, first);
        finish_date();
        finish_gps();
        if (!out_.lens && !lens_make_.empty()) out_.lens = lens_make_;
    }

  private:
    void directory(ExifDirectory kind, std::uint32_t offset) {
        if (seen_.size() >= kMaxDirectories || std::find(seen_.begin(), seen_.end(), offset) != seen_.end())
            return;
        seen_.push_back(offset);
        ByteReader reader(tiff_, endian_);
        reader.seek(offset);
        const std::uint32_t entries = reader.u16();
        if (!reader.ok() || entries > kMaxEntries) return;
        if (kind == ExifDirectory::gps) out_.has_gps = true;
        std::vector<std::pair<ExifDirectory, std::uint32_t>> children;
        for (std::uint32_t i = 0; i < entries; ++i) {
            exif::Field field{reader.u16(), reader.u16(), reader.u32(), {}};
            const std::size_t inline_value = reader.position();
            const std::uint32_t pointer = reader.u32();
            if (!reader.ok()) break;
            const std::uint64_t size = static_cast<std::uint64_t>(exif::width_of(field.type)) * field.count;
            // Values may overlap: each is paid for, up to what is looked at of a text.
            if (!budget_.charge(kEntryWork + std::min<std::uint64_t>(size, 4 * kMaxText))) return;
            if (size == 0 || size > kMaxValue) continue;
            field.value = slice(tiff_, {size <= 4 ? inline_value : pointer, size});
            if (field.value.empty()) continue;
            if (kind == ExifDirectory::image && field.type == exif::kLong && field.tag == 0x8769)
                children.emplace_back(ExifDirectory::exif, pointer);
            else if (kind == ExifDirectory::image && field.type == exif::kLong && field.tag == 0x8825)
                children.emplace_back(ExifDirectory::gps, pointer);
            else
                take(kind, field);
        }
        for (const auto& [child, child_offset] : children)
            directory(child, child_offset);
    }

    void take(ExifDirectory kind, const exif::Field& field) {
        switch (kind) {
            case ExifDirectory::image:
                if (take_image(field)) return;
                break;
            case ExifDirectory::exif:
                if (take_exif(field)) return;
                break;
            case ExifDirectory::gps:
                if (take_gps(field)) return;
                break;
            case ExifDirectory::interop:
                return;
        }
        take_raw(kind, field);
    }

    /// The first to speak wins: a second tag of the same number is a forgery or a mistake.
    template <class T>
    static void keep(std::optional<T>& slot, std::optional<T> value) {
        if (!slot) slot = std::move(value);
    }

    bool take_image(const exif::Field& field) {
        switch (field.tag) {
            case 0x010E:
                keep(out_.description, exif::text_of(field));
                return true;
            case 0x010F:
                keep(out_.make, exif::text_of(field));
                return true;
            case 0x0110:
                keep(out_.model, exif::text_of(field));
                return true;
            case 0x0131:
                keep(out_.software, exif::text_of(field));
                return true;
            case 0x013B:
                keep(out_.artist, exif::text_of(field));
                return true;
            case 0x8298:
                keep(out_.copyright, exif::text_of(field));
                return true;
            case 0x0112: {
                const double value = number(field).value_or(0);
                if (field.type == exif::kShort && field.count == 1 && value >= 1 && value <= 8)
                    keep(out_.orientation, std::optional<std::uint8_t>(static_cast<std::uint8_t>(value)));
                return true;
            }
            default:
                return false;
        }
    }

    bool take_exif(const exif::Field& field) {
        Exposure& exposure = out_.exposure;
        switch (field.tag) {
            case 0x829A:
                keep(exposure.seconds, number(field));
                return true;
            case 0x829D:
                keep(exposure.f_number, number(field));
                return true;
            case 0x8827:
                keep(exposure.iso, number(field));
                return true;
            case 0x9204:
                keep(exposure.bias_ev, number(field));
                return true;
            case 0x920A:
                keep(exposure.focal_length_mm, number(field));
                return true;
            case 0xA405:
                keep(exposure.focal_length_35mm, number(field));
                return true;
            case 0x9209:
                if (const auto flash = number(field))
                    exposure.flash_fired = (static_cast<int>(*flash) & 1) != 0;
                return false;  // its other bits go to raw
            case 0x9003:
                original_ = exif::text_of(field).value_or(original_);
                return true;
            case 0x9004:
                digitized_ = exif::text_of(field).value_or(digitized_);
                return true;
            case 0x9011:
                original_offset_ = exif::text_of(field).value_or(original_offset_);
                return true;
            case 0x9012:
                digitized_offset_ = exif::text_of(field).value_or(digitized_offset_);
                return true;
            case 0xA433:
                lens_make_ = exif::text_of(field).value_or(lens_make_);
                return true;
            case 0xA434:
                keep(out_.lens, exif::text_of(field));
                return true;
            case 0x927C:
                return true;  // maker notes: private, undocumented, the classic place for parser bugs
            case 0xA005:
                return true;
            case 0x9286:
                comment(field);
                return true;
            default:
                return false;
        }
    }

    bool take_gps(const exif::Field& field) {
        switch (field.tag) {
            case 1:
                gps_.latitude_ref = exif::text_of(field).value_or("");
                return true;
            case 2:
                gps_.latitude = degrees(field);
                return true;
            case 3:
                gps_.longitude_ref = exif::text_of(field).value_or("");
                return true;
            case 4:
                gps_.longitude = degrees(field);
                return true;
            case 5:
                gps_.below_sea = (static_cast<int>(number(field).value_or(0)) & 1) != 0;
                return true;
            case 6:
                gps_.altitude = number(field);
                return true;
            default:
                return false;
        }
    }

    std::optional<double> number(const exif::Field& field) const {
        return exif::number_at(field, 0, endian_);
    }

    /// Degrees, minutes, seconds; cameras that write fewer put the fraction into the last.
    std::optional<double> degrees(const exif::Field& field) const {
        if (field.type != exif::kRational && field.type != exif::kSignedRational) return std::nullopt;
        double sum = 0;
        double unit = 1;
        for (std::uint32_t i = 0; i < std::min<std::uint32_t>(field.count, 3); ++i) {
            const std::optional<double> part = exif::number_at(field, i, endian_);
            if (!part) return std::nullopt;
            sum += *part * unit;
            unit /= 60;
        }
        return sum;
    }

    /// UserComment: eight bytes name the character set.
    void comment(const exif::Field& field) {
        if (field.value.size() <= 8) return;
        const BytesView body = field.value.subspan(8);
        const bool unicode = starts_with(field.value, "UNICODE");
        std::string text = unicode ? clean_utf16(body, endian_) : clean_text(body);
        if (!starts_with(field.value, "JIS")) add_raw(out_, {"UserComment", std::move(text)});
    }

    void take_raw(ExifDirectory kind, const exif::Field& field) {
        const std::string_view known = exif_tag_name(kind, field.tag);
        if (known.empty()) return;
        RawEntry entry{std::string(known), std::string{}, kind == ExifDirectory::gps};
        if (field.tag >= 0x9C9B && field.tag <= 0x9C9F) {
            entry.value = clean_utf16(field.value, Endian::little);
        } else if (field.tag == 0x1B ||
                   field.tag == 0x1C) {  // GPS texts carry a character set like UserComment
            entry.value = field.value.size() > 8 ? clean_text(field.value.subspan(8)) : std::string{};
        } else if (exif::is_text(field)) {
            entry.value = clean_text(field.value);
        } else if (field.type == exif::kUndefined && field.count == 4 && known.ends_with("Version")) {
            entry.value = clean_text(field.value);
        } else if (auto numbers = all_numbers(field)) {
            if (numbers->size() == 1)
                entry.value = numbers->front();
            else
                entry.value = std::move(*numbers);
        }
        add_raw(out_, std::move(entry));
    }

    std::optional<std::vector<double>> all_numbers(const exif::Field& field) const {
        if (field.count > kMaxNumbers) return std::nullopt;
        std::vector<double> numbers;
        for (std::uint32_t i = 0; i < field.count; ++i) {
            const std::optional<double> value = exif::number_at(field, i, endian_);
            if (!value) return std::nullopt;
            numbers.push_back(*value);
        }
        return numbers;
    }

    void finish_date() {
        const std::optional<std::string> original = exif::iso_8601(original_);
        const std::optional<std::string> digitized = exif::iso_8601(digitized_);
        if (original)
            out_.taken_at = *original + exif::offset_of(original_offset_);
        else if (digitized)
            out_.taken_at = *digitized + exif::offset_of(digitized_offset_);
    }

    /// A position without its hemispheres would be a guess, and a wrong one is worse than none.
    void finish_gps() {
        if (!gps_.latitude || !gps_.longitude || gps_.latitude_ref.empty() || gps_.longitude_ref.empty())
            return;
        const char north = gps_.latitude_ref[0];
        const char east = gps_.longitude_ref[0];
        if ((north != 'N' && north != 'S') || (east != 'E' && east != 'W')) return;
        GpsPosition position;
        position.latitude = rounded(north == 'S' ? -*gps_.latitude : *gps_.latitude);
        position.longitude = rounded(east == 'W' ? -*gps_.longitude : *gps_.longitude);
        if (std::abs(position.latitude) > 90 || std::abs(position.longitude) > 180) return;
        if (gps_.altitude) position.altitude = gps_.below_sea ? -*gps_.altitude : *gps_.altitude;
        out_.gps = position;
    }

    BytesView tiff_;
    Endian endian_;
    Metadata& out_;
    WorkBudget& budget_;
    std::vector<std::uint32_t> seen_;
    GpsParts gps_;
    std::string original_, original_offset_, digitized_, digitized_offset_, lens_make_;
};

}  // namespace

void add_raw(Metadata& into, RawEntry entry) {
    if (into.raw.size() >= kMaxRaw) return;
    if (const auto* text = std::get_if<std::string>(&entry.value); text != nullptr && text->empty()) return;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&entry.value);
        texts != nullptr && texts->empty())
        return;
    const bool known = std::any_of(into.raw.begin(), into.raw.end(),
                                   [&](const RawEntry& other) { return other.name == entry.name; });
    if (!known) into.raw.push_back(std::move(entry));
}

void read_exif(BytesView tiff, Metadata& into, WorkBudget& budget) {
    ExifReader(tiff, into, budget).run();
}

}  // namespace photogate::imaging

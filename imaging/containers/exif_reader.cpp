#include "imaging/containers/exif_reader.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "imaging/containers/encoded_text.hpp"
#include "imaging/containers/exif_directory.hpp"
#include "imaging/containers/exif_tags.hpp"
#include "imaging/containers/exif_values.hpp"
#include "imaging/containers/gps.hpp"
#include "imaging/parts/text.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxDirectories = 16;
constexpr std::size_t kMaxNumbers = 16;  ///< of one reported list
constexpr std::size_t kMaxRaw = 400;
constexpr double kSaturatedIso = 65535;  ///< "as much or more": the SHORT has no room for the number

class ExifReader {
  public:
    ExifReader(BytesView tiff, Metadata& into, WorkBudget& budget)
        : tiff_(tiff), out_(into), budget_(budget) {}

    void run() {
        const auto header = exif::tiff_header(tiff_);
        if (!header) return;
        endian_ = header->endian;
        directory(ExifDirectory::image, header->first);
        finish_date();
        finish_gps();
        finish_iso();
        if (!lens_make_.empty()) keep(out_.lens, std::optional(lens_make_));
    }

  private:
    void directory(ExifDirectory kind, std::uint32_t offset) {
        if (seen_.size() >= kMaxDirectories || std::find(seen_.begin(), seen_.end(), offset) != seen_.end())
            return;
        seen_.push_back(offset);
        const auto found = exif::directory_at(tiff_, endian_, offset, budget_);
        if (!found) return;
        if (kind == ExifDirectory::gps) out_.has_gps = true;
        std::vector<std::pair<ExifDirectory, std::uint32_t>> children;
        for (const exif::Field& field : found->fields) {
            const bool pointer = kind == ExifDirectory::image &&
                                 (field.type == exif::kLong || field.type == exif::kDirectory) &&
                                 (field.tag == 0x8769 || field.tag == 0x8825);
            if (pointer)
                children.emplace_back(field.tag == 0x8769 ? ExifDirectory::exif : ExifDirectory::gps,
                                      whole(field).value_or(0));
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

    /// Keeps the first occurrence: a duplicate tag is malformed.
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
            case 0x0112:
                keep(out_.orientation, exif::orientation_of(field, endian_));
                return true;
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
                keep(iso_, number(field));
                return true;
            case 0x8831:
                keep(standard_output_, number(field));
                return false;
            case 0x8832:
                keep(recommended_index_, number(field));
                return false;
            case 0x8833:
                keep(iso_speed_, number(field));
                return false;
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
                if (const auto flash = exif::whole_at(field, 0, endian_, UINT16_MAX))
                    keep(exposure.flash_fired, std::optional((*flash & 1U) != 0));
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
            default:
                return false;
        }
    }

    bool take_gps(const exif::Field& field) {
        switch (field.tag) {
            case 1:
                gps_.latitude.side = side_of(exif::text_of(field).value_or(""));
                return true;
            case 2:
                gps_.latitude.degrees = degrees(field);
                return true;
            case 3:
                gps_.longitude.side = side_of(exif::text_of(field).value_or(""));
                return true;
            case 4:
                gps_.longitude.degrees = degrees(field);
                return true;
            case 5:
                gps_.below = is_below(field);
                return true;
            case 6:
                gps_.altitude = number(field);
                return true;
            default:
                return false;
        }
    }

    /// 1 is below sea level; Exif 3.0 has 3 for below the ellipsoid. Some writers give it as a digit.
    bool is_below(const exif::Field& field) const {
        if (exif::is_text(field)) return exif::text_of(field) == "1" || exif::text_of(field) == "3";
        return (whole(field).value_or(0) & 1U) != 0;
    }

    std::optional<std::uint32_t> whole(const exif::Field& field) const {
        return exif::whole_at(field, 0, endian_, UINT32_MAX);
    }

    std::optional<double> number(const exif::Field& field) const {
        return exif::number_at(field, 0, endian_);
    }

    /// Degrees, minutes, seconds; cameras that write fewer put the fraction into the last. The reference alone
    /// tells the side: a sign, which Exif has not, says the same once more.
    std::optional<double> degrees(const exif::Field& field) const {
        double sum = 0;
        double unit = 1;
        for (std::uint32_t i = 0; i < std::min<std::uint32_t>(field.count, 3); ++i) {
            const std::optional<double> part = exif::number_at(field, i, endian_);
            if (!part) return std::nullopt;
            sum += std::abs(*part) * unit;
            unit /= 60;
        }
        return sum;
    }

    void take_raw(ExifDirectory kind, const exif::Field& field) {
        const std::string_view known = exif_tag_name(kind, field.tag);
        if (known.empty()) return;
        RawEntry entry{std::string(known), std::string{}, kind == ExifDirectory::gps};
        const bool names_its_coding =
            kind == ExifDirectory::exif
                ? field.tag == 0x9286
                : kind == ExifDirectory::gps && (field.tag == 0x1B || field.tag == 0x1C);
        if (kind == ExifDirectory::image && field.tag >= 0x9C9B && field.tag <= 0x9C9F) {
            entry.value = unicode_text(field.value, Endian::little);
        } else if (names_its_coding) {
            entry.value = coded_text(field.value, endian_);
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
        keep(out_.taken_at, exif::moment_of(original_, original_offset_));
        keep(out_.taken_at, exif::moment_of(digitized_, digitized_offset_));
    }

    void finish_gps() {
        if (names_a_place(gps_)) out_.exif_tells_place = true;
        keep(out_.gps, position_of(gps_));
    }

    /// PhotographicSensitivity ends at 65535; the other tags do not (Exif 2.32, 4.6.5, SensitivityType).
    void finish_iso() {
        for (const std::optional<double>& value : {iso_, iso_speed_, recommended_index_, standard_output_})
            if (value && *value > 0 && *value != kSaturatedIso) keep(out_.exposure.iso, value);
    }

    BytesView tiff_;
    Endian endian_ = Endian::big;
    Metadata& out_;
    WorkBudget& budget_;
    std::vector<std::uint32_t> seen_;
    GpsParts gps_;
    std::optional<double> iso_, iso_speed_, recommended_index_, standard_output_;
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

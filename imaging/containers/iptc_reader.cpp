#include "imaging/containers/iptc_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "imaging/containers/exif_reader.hpp"
#include "imaging/parts/text.hpp"

namespace photogate::imaging {

namespace {

constexpr std::size_t kMaxResources = 512;
constexpr std::size_t kMaxDatasets = 512;
constexpr std::size_t kMaxRepeats = 64;  ///< of a repeatable dataset, keywords above all

struct Dataset {
    std::uint8_t number;
    std::string_view name;
    enum { single, repeatable } kind = single;
    enum { anywhere, place } tells = anywhere;
};

/// Record 2, the application record.
constexpr std::array kDatasets = {
    Dataset{5, "ObjectName"},
    Dataset{15, "Category"},
    Dataset{20, "SupplementalCategories", Dataset::repeatable},
    Dataset{25, "Keywords", Dataset::repeatable},
    Dataset{26, "ContentLocationCode", Dataset::repeatable, Dataset::place},
    Dataset{27, "ContentLocationName", Dataset::repeatable, Dataset::place},
    Dataset{40, "SpecialInstructions"},
    Dataset{55, "DateCreated"},
    Dataset{60, "TimeCreated"},
    Dataset{80, "By-line", Dataset::repeatable},
    Dataset{85, "By-lineTitle", Dataset::repeatable},
    Dataset{90, "City", Dataset::single, Dataset::place},
    Dataset{92, "Sub-location", Dataset::single, Dataset::place},
    Dataset{95, "Province-State", Dataset::single, Dataset::place},
    Dataset{100, "Country-PrimaryLocationCode", Dataset::single, Dataset::place},
    Dataset{101, "Country-PrimaryLocationName", Dataset::single, Dataset::place},
    Dataset{103, "OriginalTransmissionReference"},
    Dataset{105, "Headline"},
    Dataset{110, "Credit"},
    Dataset{115, "Source"},
    Dataset{116, "CopyrightNotice"},
    Dataset{118, "Contact", Dataset::repeatable},
    Dataset{120, "Caption-Abstract"},
    Dataset{122, "Writer-Editor", Dataset::repeatable},
};

void take(const Dataset& dataset, BytesView value, Metadata& into) {
    const std::string name = "iptc." + std::string(dataset.name);
    std::string text = clean_text(value);
    if (text.empty()) return;
    if (dataset.kind == Dataset::single) {
        add_raw(into, {name, std::move(text), dataset.tells == Dataset::place});
        return;
    }
    const auto it = std::find_if(into.raw.begin(), into.raw.end(),
                                 [&](const RawEntry& entry) { return entry.name == name; });
    if (it == into.raw.end()) {
        add_raw(into, {name, std::vector<std::string>{std::move(text)}, dataset.tells == Dataset::place});
        return;
    }
    if (auto* texts = std::get_if<std::vector<std::string>>(&it->value);
        texts != nullptr && texts->size() < kMaxRepeats)
        texts->push_back(std::move(text));
}

}  // namespace

void read_iptc(BytesView datasets, Metadata& into, WorkBudget& budget) {
    ByteReader reader(datasets);
    for (std::size_t n = 0; n < kMaxDatasets && reader.left() >= 5; ++n) {
        if (reader.u8() != 0x1C) return;
        const std::uint8_t record = reader.u8();
        const std::uint8_t number = reader.u8();
        const std::uint16_t size = reader.u16();
        if (size >= 0x8000) return;  // extended length: no text that is reported needs it
        const BytesView value = reader.take(size);
        // Each looks through what is known already: up to 400 entries.
        if (!reader.ok() || !budget.charge(4 * kEntryWork + value.size())) return;
        if (record != 2) continue;
        const auto it = std::find_if(kDatasets.begin(), kDatasets.end(),
                                     [&](const Dataset& d) { return d.number == number; });
        if (it != kDatasets.end()) take(*it, value, into);
    }
}

void read_photoshop(BytesView resources, Metadata& into, WorkBudget& budget) {
    ByteReader reader(resources);
    for (std::size_t n = 0; n < kMaxResources && reader.left() >= 12; ++n) {
        if (reader.text(4) != "8BIM") return;
        const std::uint16_t id = reader.u16();
        const std::uint8_t name = reader.u8();
        reader.skip(name + ((name & 1U) == 0 ? 1U : 0U));  // with its length byte an even number
        const std::uint32_t size = reader.u32();
        const BytesView value = reader.take(size);
        if (!reader.ok() || !budget.charge(kEntryWork)) return;
        if ((size & 1U) != 0 && reader.left() > 0) reader.skip(1);
        if (id == 0x0404) read_iptc(value, into, budget);
    }
}

}  // namespace photogate::imaging

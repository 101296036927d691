#include "packager/manifest.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"

namespace photogate::packager {

namespace {

constexpr std::string_view kFormulaStarts = "=+-@\t\r";

/// RFC 4180, section 2: quoted where it has to be, with quotes doubled.
void put_cell(std::string& out, std::string_view value) {
    const bool formula = !value.empty() && kFormulaStarts.find(value.front()) != std::string_view::npos;
    if (!formula && value.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += value;
        return;
    }
    out += '"';
    if (formula) out += '\'';
    for (const char c : value) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace

Manifest::Manifest(ManifestFormat format) : format_(format) {
    if (format_ == ManifestFormat::csv) {
        csv_ = "number,name,upload,original_name,state,size,crc32,sha256,taken_at,detail\r\n";
    } else {
        json_.begin_object();
        json_.name("items");
        json_.begin_array();
    }
}

void Manifest::add(const ManifestRow& row) {
    const std::string crc32 = row.crc32 ? fmt::format("{:08x}", *row.crc32) : std::string{};
    const std::string taken_at = row.taken_at ? format_rfc3339(*row.taken_at) : std::string{};
    if (format_ == ManifestFormat::csv) {
        csv_ += std::to_string(row.number);
        const std::string size = row.size ? std::to_string(*row.size) : std::string{};
        for (const std::string_view value :
             {row.name, row.upload, row.original_name, row.state, std::string_view{size},
              std::string_view{crc32}, row.sha256, std::string_view{taken_at}, row.detail}) {
            csv_ += ',';
            put_cell(csv_, to_valid_utf8(value));
        }
        csv_ += "\r\n";
        return;
    }
    const auto text = [this](json::Name name, std::string_view value) {
        json_.name(name);
        if (value.empty()) {
            json_.null();
        } else {
            json_.text(value);
        }
    };
    json_.begin_object();
    json_.name("number");
    json_.number(row.number);
    text("name", row.name);
    text("upload", row.upload);
    text("original_name", row.original_name);
    text("state", row.state);
    json_.name("size");
    if (row.size) {
        json_.number(*row.size);
    } else {
        json_.null();
    }
    text("crc32", crc32);
    text("sha256", row.sha256);
    text("taken_at", taken_at);
    text("detail", row.detail);
    json_.end_object();
}

std::string Manifest::finish() {
    if (format_ == ManifestFormat::csv) return std::move(csv_);
    json_.end_array();
    json_.end_object();
    return json_.take() + "\n";
}

}  // namespace photogate::packager

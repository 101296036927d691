// The list of an archive's items that may lie in it: CSV (RFC 4180) or JSON.
//
// It is where the name that an app gave an item is kept, and where items that are missing are named. A cell that a
// spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets an
// apostrophe in front. Columns and members: number, name, upload, original_name, state, size, crc32, sha256, taken_at,
// detail; what is unknown is empty, in JSON null.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json/writer.hpp"
#include "base/time.hpp"

namespace photogate::packager {

struct ManifestRow {
    std::uint64_t number = 1;
    std::string_view name = {};           ///< in the archive; empty for what is not in it
    std::string_view upload = {};         ///< its id
    std::string_view original_name = {};  ///< as the app or the client gave it
    std::string_view state = "included";  ///< or `missing`
    std::optional<std::uint64_t> size = std::nullopt;
    std::optional<std::uint32_t> crc32 = std::nullopt;
    std::string_view sha256 = {};  ///< lower-case hex
    std::optional<Timestamp> taken_at = std::nullopt;
    std::string_view detail = {};  ///< why it is missing
};

enum class ManifestFormat { csv, json };

class Manifest {
  public:
    explicit Manifest(ManifestFormat format);

    void add(const ManifestRow& row);
    /// The text in UTF-8. Call it last, once.
    std::string finish();

  private:
    const ManifestFormat format_;
    std::string csv_;
    json::Writer json_;
};

}  // namespace photogate::packager

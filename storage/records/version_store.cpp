#include "storage/records/version_store.hpp"

#include <fmt/format.h>

namespace photogate::storage::records {

std::string tag_of(const VersionName& name) {
    // FNV-1a, 64 bits.
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const auto* text : {&name.upload.str(), &name.spec_key})
        for (const char c : *text)
            hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
    return fmt::format("{:016x}", hash);
}

}  // namespace photogate::storage::records

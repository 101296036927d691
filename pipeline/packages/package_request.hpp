// A package as an app asks for it.
//
// Thread safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "model/package.hpp"
#include "packager/manifest.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

struct PackageLimits {
    std::uint64_t most_items = 50'000;
    ByteSize most_bytes = ByteSize{1} << 40;  ///< of one archive
    std::chrono::seconds default_life = std::chrono::hours{24 * 7};
    std::chrono::seconds longest_life = std::chrono::hours{24 * 30};
    std::uint64_t most_preparing = 20;  ///< packages of an app whose versions are being made
};

/// Which of an upload's pictures is packed.
struct PackageContent {
    enum class Of {
        image,     ///< the published image
        original,  ///< the file as it was sent, where it is kept
        variant,   ///< a version that its profile names
        version,   ///< one with the parameters of a URL
    };
    Of of = Of::image;
    std::string detail;  ///< of Of::variant its name; of Of::version the parameters, as a canonical query
    enum class Watermark {
        as_profile,  ///< the profile's, where it has one
        required,    ///< the profile has one
        named        ///< the profile's of the name `mark`, in place of its own
    } watermark = Watermark::as_profile;
    std::string mark = {};  ///< of Watermark::named
    /// Whether what is packed is made where it is not there.
    bool is_made() const { return of == Of::variant || of == Of::version; }
};

/// How an archive of versions is laid out.
struct PackageLook {
    PackageContent content;  ///< that is made
    std::optional<std::string> path;
    std::optional<packager::ManifestFormat> manifest;
};
/// As the records keep it, and back.
storage::packages::PackageRecipe to_recipe(const PackageLook& look);
PackageLook look_of(const storage::packages::PackageRecipe& recipe);

struct PackageRequest {
    std::optional<std::string> name;  ///< of the file; `.zip` is added where it lacks
    std::variant<std::vector<storage::packages::AskedItem>, storage::packages::PackageSelection> items;
    /// Where items without a name go (packager/path_template.hpp); nullopt: by their file names, without folders.
    std::optional<std::string> path;
    PackageContent content;
    std::optional<packager::ManifestFormat> manifest;  ///< a list of the items, as the last of the archive
    model::PackageMode mode = model::PackageMode::stream;
    model::OnMissing on_missing = model::OnMissing::fail;
    std::optional<std::int64_t> expires_in;  ///< seconds
    model::TextMap metadata;

    /// Fields of the request that could not be read; absent from the above, and reported with what else is wrong.
    std::vector<FieldError> unreadable;
    std::optional<std::string> idempotency_key;
    std::string request_sha256;  ///< lower-case hex, of what was asked; used with an idempotency key alone
    std::string request_id;
};

}  // namespace photogate::pipeline::packages

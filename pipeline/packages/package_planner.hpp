// Works out an archive from the uploads that were found for it: which of them are in it, under which names, and where.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/policy/profile.hpp"
#include "packager/names.hpp"
#include "packager/path_template.hpp"
#include "packager/zip.hpp"
#include "pipeline/packages/package_request.hpp"
#include "pipeline/packages/version_maker.hpp"
#include "pipeline/stores.hpp"
#include "signer/digest.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

/// The code of an item whose version is not there and can't be made.
inline constexpr std::string_view kNotMade = "version_not_made";

class Planner final : public storage::packages::PackagePlanner {
  public:
    struct Rules {
        model::OnMissing on_missing = model::OnMissing::fail;
        std::optional<packager::PathTemplate> path;  ///< nullopt: the file's name
        PackageLimits limits;
        PackageContent content;
        std::optional<packager::ManifestFormat> manifest;
        Timestamp now;  ///< of what is made for the package
        /// Whether the app named each item, so that a mistake has a pointer to it.
        enum class Named { each, by_selection } named = Named::each;
    };
    /// Of whose profiles the uploads are, and where their objects lie. All outlive the planner.
    struct Surroundings {
        const model::App& app;
        const Stores& stores;
        const VersionChooser& choose_version;
    };
    Planner(Rules rules, Surroundings surroundings) : rules_(std::move(rules)), surroundings_(surroundings) {}

    void begin() override;
    std::optional<std::string> version_of(const storage::packages::FoundUpload& upload) override;
    /// Errors: package_too_large; under OnMissing::fail, from finish() too, what is wrong with each item (upload_not_found,
    /// not_published, gone, state_conflict, …).
    Result<storage::packages::PlannedItems> add(std::span<const storage::packages::FoundItem> found) override;
    Result<storage::packages::PlannedItems> finish() override;
    storage::packages::PackageTotals totals() const override { return totals_; }
    std::uint64_t unmade() const override { return unmade_; }
    storage::packages::Standing standing(const storage::packages::FoundItem& item) const override;

  private:
    struct Absence;
    /// The object that is packed of an upload, or why there is none.
    struct Choice;
    Choice choose(const storage::packages::FoundItem& item) const;
    Choice choose_original(const storage::packages::FoundUpload& upload) const;
    Choice choose_version(const storage::packages::FoundUpload& upload) const;
    Choice choose_image(const storage::packages::FoundUpload& upload) const;
    static Choice absent(ErrorCode code, std::string_view detail);
    static Choice conflict(std::string_view word, std::string_view detail);
    static Choice known(const storage::packages::FoundObject& object);
    const model::Profile* profile_of(const storage::packages::FoundUpload& upload) const;
    std::string name_of(const storage::packages::FoundItem& item) const;
    model::PackageItem pack(const storage::packages::FoundItem& item,
                            const storage::packages::FoundObject& object);
    model::MissingItem leave_out(const storage::packages::FoundItem& item, std::string_view code) const;
    void place(model::PackageItem& item);
    void list(const storage::packages::FoundItem& item, const model::PackageItem& packed);
    void list(const model::MissingItem& missing);
    storage::packages::PlannedItems pack_manifest();
    Result<> check_size() const;

    const Rules rules_;
    const Surroundings surroundings_;
    // All that follows is of one transaction.
    packager::UniqueNames names_;
    packager::Layout layout_;
    std::optional<signer::Sha256Stream> contents_;
    std::optional<packager::Manifest> manifest_;
    std::uint32_t place_ = 0;  ///< of the next item, among all that were asked for
    std::uint64_t unmade_ = 0;
    std::vector<FieldError> mistakes_;
    storage::packages::PackageTotals totals_;
};

}  // namespace photogate::pipeline::packages

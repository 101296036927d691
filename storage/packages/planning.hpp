// Steps of a transaction that lays out an archive: uploads are found bite by bite, and what the planner makes of them is
// written.
//
// Throws what libpqxx throws. Thread safety: within a transaction, so one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "storage/database/columns.hpp"
#include "storage/database/transaction.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::storage::packages {

/// Uploads that are looked up by one statement.
inline constexpr std::size_t kBite = 1'000;
inline constexpr std::size_t kSelectionBite = 5'000;

std::optional<model::Package> first_package(const pqxx::result& rows);

/// What of the uploads is read.
struct Looked {
    NewPackage::Need metadata = NewPackage::Need::no;
    NewPackage::Need originals = NewPackage::Need::no;
};

/// The same items with their uploads, which are locked from now on.
std::vector<FoundItem> look_up(database::Transaction& transaction, const AppName& app, const Looked& at,
                               std::vector<FoundItem> items);

struct SelectionPage {
    const PackageSelection& selection;
    std::string behind;  ///< an upload's id, or empty
    std::size_t most = kSelectionBite;
};
/// The next of a selection, likewise locked.
std::vector<FoundItem> select(database::Transaction& transaction, const AppName& app, const Looked& at,
                              const SelectionPage& page);

/// The versions that the planner wants of them, where they are there.
void add_versions(database::Transaction& transaction, PackagePlanner& planner, std::vector<FoundItem>& found);
void write_items(database::Transaction& transaction, const PackageId& package, const PlannedItems& items);
/// With their versions, planned and written. Errors: the planner's.
Result<> plan_items(database::Transaction& transaction, const PackageId& package, PackagePlanner& planner,
                    std::vector<FoundItem>& found);

}  // namespace photogate::storage::packages

// A package's archive as bytes: its rows and its objects, read where they are needed.
//
// Thread safety: pure functions; what they give is the ArchiveReader's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "packager/archive_reader.hpp"
#include "pipeline/stores.hpp"
#include "storage/packages/package_store.hpp"

namespace photogate::pipeline::packages {

struct ArchiveMeans {
    storage::packages::PackageStore& packages;
    const Stores& stores;
    /// Runs a task on another thread, or gives back false; what it runs may outlive the reader. Empty: nothing is opened ahead.
    std::function<bool(std::function<void()>)> post;
};

/// `span` of a package that is ready. All that `means` refers to outlives the reader, and what was posted. Errors of its reads
/// besides those of ArchiveReader: gone, of a package that has ended meanwhile; the database_* codes, after a database that was
/// away has been waited for.
std::unique_ptr<packager::ArchiveReader> open_archive(const ArchiveMeans& means,
                                                      const model::Package& package, packager::Span span);

/// The same part out of the object of a package that was built into the store. Errors: as ObjectStore::open(); the caller may compose it
/// then.
Result<std::unique_ptr<storage::objects::ObjectReader>> open_stored(const Stores& stores,
                                                                    const model::Package& package,
                                                                    packager::Span span);

/// Whether its bytes may be given out, and as of when. A database that is away, as in a restart, is waited for. Errors: gone, and the
/// database_* codes.
Result<std::chrono::steady_clock::time_point> check_ready(storage::packages::PackageStore& packages,
                                                          const PackageId& id);

}  // namespace photogate::pipeline::packages

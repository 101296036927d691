// A package on its way to one reader: a piece that is sent, the next one that is read meanwhile, and connections to the store as
// long as the reader takes what it is given.
//
// Before a piece is read, the package must have been seen not to have ended half a second ago at the most, so nothing that was
// deleted is given out once its deletion has been answered (delivery::RecentImages::kDeletionWait). What can't be read any more breaks
// the connection: the reader is left without the archive's end.
//
// Thread safety: that of http::BodyReader.
#pragma once

#include <functional>
#include <memory>

#include "delivery/byte_budget.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/work_pool.hpp"
#include "model/package.hpp"
#include "packager/archive_reader.hpp"
#include "pipeline/packages/package_archive.hpp"

namespace photogate::gateway::routes {

class PackageStream final : public http::BodyReader {
  public:
    /// Bytes of a piece; two of them, and two readers, are in memory of each download.
    static constexpr std::uint64_t kPiece = 128U << 10;
    /// What an open reader costs besides: libcurl's handles and buffers.
    static constexpr std::uint64_t kReaderCost = 96U << 10;
    static constexpr std::uint64_t kCost = 2 * (kPiece + kReaderCost);

    /// All of them outlive the stream.
    struct Means {
        storage::packages::PackageStore& packages;
        const pipeline::Stores& stores;
        http::WorkPool& pool;
        /// Told of each piece: its bytes, or why there is none.
        std::function<void(const Result<std::string>&)> observe;
    };

    /// `span` of it. Blocks until the first piece is there, so that what goes wrong until then can still be answered. `kept` lives
    /// as long as the stream. Errors: gone, and those of open_archive().
    static Result<http::Body> body(Means means, model::Package package, packager::Span span,
                                   std::shared_ptr<void> kept);
    ~PackageStream() override;

    void next(Answer answer) override;
    void rest() override;

  private:
    struct State;
    explicit PackageStream(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  ///< shared with the work under way
};

}  // namespace photogate::gateway::routes

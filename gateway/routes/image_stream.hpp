// A published image on its way from the store to one reader: a piece of it in memory, and the store's connection
// for as long as there is memory for that and the reader takes what it is given.
//
// A connection that was given back is opened anew where the last piece ended, pinned to the image's ETag. An
// image that changes meanwhile breaks off; no byte of another object is sent.
//
// Thread safety: that of http::BodyReader.
#pragma once

#include <algorithm>
#include <memory>

#include "delivery/byte_budget.hpp"
#include "delivery/published_images.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/work_pool.hpp"

namespace photogate::gateway::routes {

class ImageStream final : public http::BodyReader {
  public:
    /// Bytes in memory of one image.
    static constexpr std::uint64_t kPiece = 32U << 10;
    /// What an open reader costs besides: libcurl's handles and buffers, as measured.
    static constexpr std::uint64_t kReaderCost = 96U << 10;
    /// Connections to stores that are kept open between pieces.
    static constexpr std::uint64_t kMostReaders = 128;
    static delivery::ByteBudget budget(std::uint64_t limit) {
        return {limit, std::min(limit / 2, kMostReaders * kReaderCost)};
    }

    /// All of them outlive the stream.
    struct Means {
        const delivery::PublishedImages& images;
        delivery::ByteBudget& budget;
        http::WorkPool& pool;
    };

    /// `range` of the image, or all of it: its files, if the store's are on this machine, else a stream.
    /// Blocks until the first piece is there, so that what goes wrong until then can still be answered.
    /// Errors: overloaded (the budget is taken), those of PublishedImages::open and of ObjectReader::read.
    static Result<http::Body> body(Means means, delivery::LocatedImage image,
                                   const std::optional<storage::objects::ByteRange>& range);

    void next(Answer answer) override;
    void rest() override;

  private:
    struct State;
    explicit ImageStream(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  ///< shared with the work under way
};

}  // namespace photogate::gateway::routes

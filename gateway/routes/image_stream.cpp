#include "gateway/routes/image_stream.hpp"

#include <algorithm>
#include <utility>

namespace photogate::gateway::routes {

using delivery::ByteBudget;
using storage::objects::ByteRange;
using storage::objects::ObjectReader;

namespace {

/// Of an object in this machine's files.
class LocalImage final : public http::FileSource {
  public:
    explicit LocalImage(std::unique_ptr<ObjectReader> reader) : reader_(std::move(reader)) {}
    Result<Extent> at(std::uint64_t offset) const override {
        auto piece = reader_->piece_at(offset);
        if (!piece) return fail(std::move(piece.error()));
        return Extent{piece->descriptor, piece->offset, piece->length};
    }

  private:
    std::unique_ptr<ObjectReader> reader_;
};

}  // namespace

/// Used by one at a time: the pool while a piece is fetched, the I/O thread otherwise.
struct ImageStream::State {
    State(Means given, delivery::LocatedImage located, ByteBudget::Reservation taken)
        : means(given), image(std::move(located)), window(std::move(taken)), end(image.size) {}

    /// To the end where the reader may stay open, else for one piece.
    Result<> open() {
        held = means.budget.take_spare(kReaderCost);
        const std::uint64_t last = held ? end : std::min(end, next + kPiece);
        std::optional<ByteRange> range;
        if (next != 0 || last != image.size) range = ByteRange{next, last - 1};
        auto opened = means.images.open(image, range);
        if (!opened) return fail(std::move(opened.error()));
        if ((*opened)->length() != last - next)
            return fail(ErrorCode::store_protocol, "the store's object has another size than was published");
        reader = std::move(*opened);
        return {};
    }

    Result<std::string> fetch() {
        if (!reader) {
            if (auto opened = open(); !opened) return fail(std::move(opened.error()));
        }
        std::string piece(static_cast<std::size_t>(std::min(kPiece, end - next)), '\0');
        for (std::size_t filled = 0; filled < piece.size();) {
            const auto got =
                reader->read({reinterpret_cast<std::uint8_t*>(piece.data()) + filled, piece.size() - filled});
            if (!got) return fail(got.error());
            if (*got == 0) return fail(ErrorCode::store_protocol, "the image ended early");
            filled += *got;
        }
        next += piece.size();
        if (next == end || !held) close();
        return piece;
    }

    void close() {
        reader.reset();
        held.reset();
    }

    const Means means;
    const delivery::LocatedImage image;
    const ByteBudget::Reservation window;
    std::optional<ByteBudget::Reservation> held;  ///< for `reader`, where that may stay open
    std::unique_ptr<ObjectReader> reader;
    std::uint64_t next = 0;  ///< byte of the image
    std::uint64_t end;
    std::optional<std::string> first;  ///< fetched by start()
};

ImageStream::ImageStream(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<http::Body> ImageStream::body(Means means, delivery::LocatedImage image,
                                     const std::optional<ByteRange>& range) {
    const std::uint64_t first = range ? range->first : 0;
    const std::uint64_t length = range ? range->last - range->first + 1 : image.size;
    auto window = means.budget.take(std::min(length, kPiece));
    if (!window) {
        return fail(Error{ErrorCode::overloaded,
                          "the gateway is sending as many images as it has memory for; ask again",
                          {},
                          std::chrono::seconds{2}});
    }
    auto state = std::make_shared<State>(means, std::move(image), std::move(*window));
    state->next = first;
    state->end = first + length;
    if (auto opened = state->open(); !opened) return fail(std::move(opened.error()));
    if (state->reader->is_local())
        return http::FileBody{std::make_shared<LocalImage>(std::move(state->reader)), first, length};
    auto piece = state->fetch();
    if (!piece) return fail(std::move(piece.error()));
    state->first = std::move(*piece);
    return http::StreamBody{std::unique_ptr<ImageStream>(new ImageStream(std::move(state))), length};
}

void ImageStream::next(Answer answer) {
    if (state_->first) return answer(std::exchange(state_->first, std::nullopt).value());
    if (state_->next == state_->end) return answer(std::string{});
    // A copy for the refusal: what the pool refuses it has not moved from, but a lambda hides its captures.
    auto shared = std::make_shared<Answer>(std::move(answer));
    auto taken = state_->means.pool.submit([state = state_, shared] { (*shared)(state->fetch()); });
    if (!taken) (*shared)(fail(std::move(taken.error())));
}

void ImageStream::rest() {
    state_->close();
}

}  // namespace photogate::gateway::routes

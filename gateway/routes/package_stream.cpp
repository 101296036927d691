#include "gateway/routes/package_stream.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.hpp"

namespace photogate::gateway::routes {

using Steady = std::chrono::steady_clock;

namespace {

/// Between two looks at whether the package has ended. Less than a deletion waits.
constexpr std::chrono::milliseconds kLookEvery{400};

}  // namespace

struct PackageStream::State : std::enable_shared_from_this<State> {
    State(Means given, model::Package its_package, packager::Span span, std::shared_ptr<void> its_kept)
        : means(std::move(given)),
          package(std::move(its_package)),
          kept(std::move(its_kept)),
          read_to(span.from),
          end(span.to) {}

    /// On the pool, one at a time.
    Result<std::string> fetch() {
        if (must_look()) {
            if (auto looked = look(); !looked) return fail(std::move(looked.error()));
        }
        if (waited) return std::exchange(waited, std::nullopt).value();
        auto piece = read();
        if (!piece || !must_look()) return piece;
        // It took its time.
        if (auto looked = look(); !looked) return fail(std::move(looked.error()));
        return piece;
    }

    Result<std::string> read() {
        if (!reader && package.mode == model::PackageMode::store) {
            if (auto stored = pipeline::packages::open_stored(means.stores, package, {read_to, end}))
                reader = std::move(*stored);
        }
        if (!reader)
            reader = pipeline::packages::open_archive({means.packages, means.stores,
                                                       [&pool = means.pool](std::function<void()> task) {
                                                           return pool.submit(std::move(task)).has_value();
                                                       }},
                                                      package, {read_to, end});
        std::string piece(static_cast<std::size_t>(std::min(kPiece, end - read_to)), '\0');
        for (std::size_t filled = 0; filled < piece.size();) {
            const auto got =
                reader->read({reinterpret_cast<std::uint8_t*>(piece.data()) + filled, piece.size() - filled});
            if (!got) return fail(got.error());
            if (*got == 0) return fail(ErrorCode::store_protocol, "the archive ended early");
            filled += *got;
        }
        read_to += piece.size();
        if (read_to == end) reader.reset();
        return piece;
    }

    bool must_look() const { return !looked_at || Steady::now() - *looked_at > kLookEvery; }

    Result<> look() {
        auto seen_at = pipeline::packages::check_ready(means.packages, package.id);
        if (!seen_at) return fail(std::move(seen_at.error()));
        looked_at = *seen_at;
        return {};
    }

    /// Under the mutex.
    void begin_fetch() {
        fetching = true;
        auto taken = means.pool.submit([self = shared_from_this()] { self->run(); });
        if (taken) return;
        fetching = false;
        ready.emplace(fail(std::move(taken.error())));
    }

    void run() {
        auto piece = fetch();
        means.observe(piece);
        if (!piece) log_broken(piece.error());
        std::optional<Answer> answer;
        {
            const std::lock_guard lock(mutex);
            fetching = false;
            if (abandoned) {
                reader.reset();
                return;
            }
            if (waiting) {
                answer = std::exchange(waiting, std::nullopt);
                if (piece) {
                    given_to += piece->size();
                    read_ahead();
                }
            } else if (resting) {
                drop();
                return;
            } else {
                ready.emplace(std::move(piece));
                return;
            }
        }
        (*answer)(std::move(piece));
    }

    /// Under the mutex, with nothing under way.
    void read_ahead() {
        if (given_to < end) begin_fetch();
    }

    /// Under the mutex, with nothing under way: what can be had again.
    void drop() {
        ready.reset();
        waited.reset();
        reader.reset();
        read_to = given_to;
    }

    void log_broken(const Error& error) const {
        log::warn("package.broken", {{"package", package.id.str()},
                                     {"byte", read_to},
                                     {"code", to_string(error.code)},
                                     {"detail", error.detail}});
    }

    const Means means;
    const model::Package package;
    const std::shared_ptr<void> kept;

    // Of fetch(), and of whoever holds the mutex while nothing is fetched.
    std::unique_ptr<storage::objects::ObjectReader> reader;
    std::uint64_t read_to;
    const std::uint64_t end;
    std::optional<Steady::time_point> looked_at;
    std::optional<std::string> waited;  ///< a piece that is to be given out if the package has not ended

    std::mutex mutex;
    std::uint64_t given_to = 0;
    bool fetching = false;
    bool resting = false;
    bool abandoned = false;
    std::optional<Result<std::string>> ready;
    std::optional<Answer> waiting;
};

PackageStream::PackageStream(std::shared_ptr<State> state) : state_(std::move(state)) {}

PackageStream::~PackageStream() {
    std::optional<Result<std::string>> ready;
    std::optional<Answer> waiting;
    const std::lock_guard lock(state_->mutex);
    state_->abandoned = true;
    state_->ready.swap(ready);
    state_->waiting.swap(waiting);
    if (!state_->fetching) state_->reader.reset();
}

Result<http::Body> PackageStream::body(Means means, model::Package package, packager::Span span,
                                       std::shared_ptr<void> kept) {
    auto state = std::make_shared<State>(std::move(means), std::move(package), span, std::move(kept));
    auto piece = state->fetch();
    state->means.observe(piece);
    if (!piece) {
        state->log_broken(piece.error());
        return fail(std::move(piece.error()));
    }
    state->given_to = span.from;
    state->ready.emplace(std::move(piece));
    return http::StreamBody{std::unique_ptr<PackageStream>(new PackageStream(std::move(state))),
                            span.to - span.from};
}

void PackageStream::next(Answer answer) {
    auto& state = *state_;
    std::optional<Result<std::string>> piece;
    {
        const std::lock_guard lock(state.mutex);
        state.resting = false;
        if (state.ready && *state.ready && state.must_look()) {
            state.waited = std::move(**state.ready);
            state.ready.reset();
        }
        if (!state.ready && !state.fetching && state.given_to < state.end) state.begin_fetch();
        if (state.ready) {
            piece = std::exchange(state.ready, std::nullopt);
            if (*piece) {
                state.given_to += (*piece)->size();
                state.read_ahead();
            }
        } else if (state.given_to == state.end) {
            piece.emplace(std::string{});
        } else {
            state.waiting = std::move(answer);
        }
    }
    if (piece) answer(std::move(*piece));
}

void PackageStream::rest() {
    const std::lock_guard lock(state_->mutex);
    state_->resting = true;
    if (!state_->fetching) state_->drop();
}

}  // namespace photogate::gateway::routes

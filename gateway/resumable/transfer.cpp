#include "gateway/resumable/transfer.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "gateway/http/client_address.hpp"
#include "gateway/http/flowing_body.hpp"

namespace photogate::gateway::resumable {

namespace protocol = photogate::http::resumable;
using pipeline::resumable::ResumableUploads;
using protocol::Refusal;
using protocol::Verb;
using storage::chunks::ChunkStore;
using Why = Refusal::Why;

namespace {

/// A larger file is assembled after the answer.
constexpr ByteSize kAssembledFirst = 32U << 20;
/// Between two interim answers.
constexpr std::chrono::seconds kProgressEvery{2};

Why why_of(ErrorCode code) {
    switch (public_code(code)) {
        case ErrorCode::upload_not_found:
        case ErrorCode::not_found:
            return Why::not_found;
        case ErrorCode::rate_limited:
            return Why::too_many;
        case ErrorCode::size_over_limit:
        case ErrorCode::body_too_large:
            return Why::too_large;
        case ErrorCode::state_conflict:
            return Why::superseded;
        case ErrorCode::unauthenticated:
        case ErrorCode::token_expired:
            return Why::unauthenticated;
        case ErrorCode::forbidden:
        case ErrorCode::token_exhausted:
        case ErrorCode::refused_by_hook:
            return Why::forbidden;
        case ErrorCode::request_timeout:
            return Why::timeout;
        default:
            return http_status(code) >= 500 ? Why::unavailable : Why::bad_request;
    }
}

}  // namespace

http::Response response_of(const protocol::Answer& answer) {
    auto response = http::Response::empty(answer.status);
    for (const auto& field : answer.fields)
        response.set(field.name, field.value);
    response.body = answer.body;
    return response;
}

Refusal refusal_of(const Error& error) {
    auto detail = error.detail;
    for (const auto& field : error.fields)
        detail += (detail.empty() ? "" : "; ") + field.detail;
    for (const auto& field : error.fields) {
        if (field.code == ErrorCode::size_over_limit) return {Why::too_large, std::move(detail), field.code};
    }
    if (error.code == ErrorCode::invalid_size)
        return {Why::inconsistent_length, std::move(detail), error.code};
    return {why_of(error.code), std::move(detail), error.code};
}

Transfer::Transfer(const ResumableApi& api, Errand errand, http::Request request, http::Responder responder)
    : api_(api), errand_(std::move(errand)), request_(std::move(request)), responder_(std::move(responder)) {
    if (errand_.asked.digest) digest_.emplace(*errand_.asked.digest);
}

template <class Work>
void Transfer::on_pool(Work work) {
    auto guarded = [self = shared_from_this(), work = std::move(work)]() mutable {
        try {
            work();
        } catch (const std::exception& error) {
            log::error("resumable.exception",
                       {{"what", error.what()}, {"request_id", self->request_.request_id}});
            self->refuse({Why::unavailable, "something went wrong in the gateway", ErrorCode::internal});
        }
    };
    if (auto taken = api_.pool.submit(std::move(guarded)); !taken) refuse(refusal_of(taken.error()));
}

void Transfer::start() {
    on_pool([self = shared_from_this()] { self->enter(); });
}

void Transfer::enter() {
    auto found = api_.uploads.find(errand_.visitor);
    if (!found) return refuse(refusal_of(found.error()));
    if (errand_.asked.carries) {
        if (auto taken = take_place(found->client_token.value_or("")); !taken)
            return refuse(refusal_of(taken.error()));
    }
    api_.holders.ask(errand_.visitor.upload,
                     [self = shared_from_this()](std::unique_ptr<Holders::Holding> holding) {
                         self->holding_ = std::move(holding);
                         self->on_pool([self] { self->ask_elsewhere(); });
                     });
}

void Transfer::ask_elsewhere() {
    const auto& upload = errand_.visitor.upload;
    const auto holder = api_.uploads.holder(upload);
    if (!holder || !api_.handover.reaches(*holder)) return take();
    api_.handover.ask(*holder, upload,
                      [self = shared_from_this()] { self->on_pool([self] { self->take(); }); });
}

Result<> Transfer::take_place(const std::string& token) {
    access::PlaceClient client;
    client.token = token;
    const auto address = parse_ip_address(request_.remote);
    // A trusted proxy that names no client stands for many.
    if (address && !http::is_any_of(*address, api_.trusted_proxies)) client.address = address;
    auto place = api_.places.take(std::move(client));
    if (!place) return photogate::fail(std::move(place.error()));
    place_ = std::move(*place);
    return {};
}

void Transfer::take() {
    const auto& asked = errand_.asked;
    if (asked.verb == Verb::cancel) {
        if (auto cancelled = api_.uploads.cancel(errand_.visitor); !cancelled) {
            auto refusal = refusal_of(cancelled.error());
            if (cancelled.error().code == ErrorCode::state_conflict) refusal.why = Why::completed;
            return refuse(refusal);
        }
        return answer(protocol::cancelled(asked.dialect));
    }
    if (asked.carries) let_it_flow();
    pipeline::resumable::Wishes wishes{asked.length, {}, errand_.beginning, asked.verb == Verb::create};
    if (asked.carries) wishes.holder = api_.handover.self();
    if (wishes.anew && asked.carries) wishes.content = announced_content();
    if (errand_.made_here) wishes.metadata = asked.metadata;
    if (asked.whole_sha256) wishes.whole_sha256 = hex_lower(*asked.whole_sha256);
    auto hold = api_.uploads.take(errand_.visitor, wishes);
    if (!hold) return refuse(refusal_of(hold.error()));
    hold_.emplace(std::move(*hold));
    if (asked.verb == Verb::offset) return answer(protocol::stands(asked.dialect, standing()));
    if (asked.verb == Verb::create && (hold_->progress.complete || !asked.carries)) return answer_standing();
    if (asked.verb == Verb::append) {
        if (auto refusal = check_append()) return refuse(*refusal);
        if (hold_->progress.complete) return answer_standing();
    }
    if (auto refusal = check_length()) return refuse(*refusal);
    if (asked.verb == Verb::create) {
        const auto& progress = hold_->progress;
        if (progress.offset == 0 && progress.beginning > 0)
            tell_left(api_.assembler.remove_beginning(hold_->upload, progress.beginning - 1));
        send_location();
    }
    ask();
}

std::optional<Refusal> Transfer::check_append() const {
    const auto& asked = errand_.asked;
    const auto& progress = hold_->progress;
    if (asked.offset == progress.offset && !progress.complete) return std::nullopt;
    // The last answer may have been lost: the same question gets it again.
    const bool repeats = asked.offset == progress.offset && (asked.dialect.is_tus() || asked.ends);
    if (progress.complete && repeats) return std::nullopt;
    if (progress.complete && asked.dialect.is_draft())
        return Refusal{Why::completed, "the upload is complete", ErrorCode::state_conflict};
    return Refusal{Why::wrong_offset,
                   fmt::format("the upload is at {}, this continues at {}", progress.offset, asked.offset),
                   ErrorCode::state_conflict, asked.offset};
}

ByteSize Transfer::announced_content() const {
    const auto* content = std::get_if<http::LengthBody>(&request_.framing);
    return content ? content->size : 0;
}

std::optional<Refusal> Transfer::check_length() const {
    const auto& asked = errand_.asked;
    const auto& progress = hold_->progress;
    const auto end = asked.offset + announced_content();
    if (end > progress.most)
        return Refusal{Why::too_large, fmt::format("the upload has {} bytes at most", progress.most),
                       ErrorCode::size_over_limit};
    if (progress.length && asked.length && *asked.length != *progress.length)
        return Refusal{
            Why::inconsistent_length,
            fmt::format("the upload has {} bytes, this would make {}", *progress.length, *asked.length),
            ErrorCode::bad_header};
    return std::nullopt;
}

void Transfer::let_it_flow() {
    const auto body = http::flowing_body(request_);
    if (!body || !holding_) return;
    body->flow();
    holding_->on_interrupt([content = std::weak_ptr{body}] {
        if (const auto still = content.lock())
            still->interrupt(
                {ErrorCode::state_conflict, "a newer connection continues this upload", {}, std::nullopt});
    });
}

bool Transfer::may_inform() const {
    if (!errand_.asked.dialect.is_draft() || api_.interim_answers == http::InterimAnswers::never)
        return false;
    if (api_.interim_answers == http::InterimAnswers::always) return true;
    for (const auto* field :
         {"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"}) {
        if (request_.headers.find(field)) return false;
    }
    const auto peer = parse_ip_address(request_.remote);
    return peer && !http::is_any_of(*peer, api_.trusted_proxies);
}

void Transfer::send_location() {
    if (!may_inform()) return;
    if (const auto content = http::flowing_body(request_))
        content->inform(response_of(protocol::resumable_at(errand_.asked.dialect, location(), standing())));
}

void Transfer::send_progress() {
    const auto now = std::chrono::steady_clock::now();
    if (!protocol::tells_progress(errand_.asked.dialect) || now - informed_at_ < kProgressEvery ||
        !may_inform())
        return;
    informed_at_ = now;
    if (const auto content = http::flowing_body(request_))
        content->inform(response_of(protocol::progress(errand_.asked.dialect, standing())));
}

void Transfer::ask() {
    request_.stream->next([self = shared_from_this()](Result<Piece> piece) {
        self->on_pool([self, piece = std::move(piece)]() mutable {
            if (piece) return self->receive(std::move(*piece));
            self->broke(piece.error());
        });
    });
}

std::uint64_t Transfer::next_byte() const {
    return hold_->progress.offset + uncommitted_bytes_;
}

bool Transfer::is_whole_at(std::uint64_t offset) const {
    // Of the draft the flag decides, and a length that follows from the content.
    return hold_->progress.length == offset && (errand_.asked.dialect.is_tus() || errand_.asked.ends);
}

void Transfer::receive(Piece piece) {
    std::string bytes = std::move(last_bytes_);
    last_bytes_.clear();
    if (bytes.empty()) {
        bytes = std::move(piece.bytes);
    } else {
        bytes += piece.bytes;
    }
    const auto behind = next_byte() + bytes.size();
    if (behind > hold_->progress.most)
        return refuse({Why::too_large, fmt::format("the upload has {} bytes at most", hold_->progress.most),
                       ErrorCode::size_over_limit});
    if (!piece.last && is_whole_at(behind)) {
        // What is whole is told to be so only if nothing more comes.
        last_bytes_ = std::move(bytes);
        return ask();
    }
    if (auto kept = keep(bytes); !kept) return refuse(refusal_of(kept.error()));
    if (piece.last) return end_of_content({});
    if (!digest_) {
        if (!commit(false)) return;
        send_progress();
    }
    ask();
}

void Transfer::broke(const Error& error) {
    api_.metrics.interrupted.add();
    if (auto kept = keep(std::exchange(last_bytes_, {})); !kept) return refuse(refusal_of(kept.error()));
    end_of_content(error);
}

Result<> Transfer::keep(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (digest_) digest_->update(bytes);
    auto chunk = api_.uploads.put(*hold_, next_byte(), bytes);
    if (!chunk) return photogate::fail(std::move(chunk.error()));
    uncommitted_bytes_ += chunk->size;
    uncommitted_.push_back(std::move(*chunk));
    return {};
}

bool Transfer::commit(bool ends) {
    if (uncommitted_.empty() && !ends) return true;
    const auto chunks = static_cast<double>(uncommitted_.size());
    const auto bytes = static_cast<double>(uncommitted_bytes_);
    const auto counts = api_.uploads.commit(*hold_, std::exchange(uncommitted_, {}),
                                            ends ? ResumableUploads::End::yes : ResumableUploads::End::no);
    uncommitted_bytes_ = 0;
    if (!counts) {
        refuse(refusal_of(counts.error()));
        return false;
    }
    if (!*counts) {
        api_.metrics.fenced.add();
        refuse({Why::superseded, "a newer connection continues this upload, or it has ended",
                ErrorCode::state_conflict});
        return false;
    }
    api_.metrics.chunks.add(chunks);
    api_.metrics.bytes.add(bytes);
    return true;
}

void Transfer::end_of_content(const std::optional<Error>& cut) {
    if (digest_) {
        // Of content that was cut nothing can be verified, so nothing of it is kept.
        if (cut) return refuse(refusal_of(*cut));
        if (!digest_->matches())
            return refuse(
                {Why::wrong_checksum,
                 "the content does not have the checksum that was sent with it; nothing of it was kept",
                 ErrorCode::invalid_checksum});
    }
    const auto& progress = hold_->progress;
    const auto behind = next_byte();
    const bool flagged = errand_.asked.ends && !cut && !errand_.asked.dialect.is_tus();
    if (flagged && progress.length && *progress.length != behind) {
        if (!commit(false)) return;
        return refuse({Why::inconsistent_length,
                       fmt::format("the upload has {} bytes, {} have come", *progress.length, behind),
                       ErrorCode::bad_header});
    }
    if (flagged && behind == 0)
        return refuse({Why::bad_request, "an upload has at least one byte", ErrorCode::invalid_size});
    const bool ends = is_whole_at(behind) || flagged;
    if (!commit(ends)) return;
    if (ends) return received();
    if (cut) return refuse(refusal_of(*cut));
    answer_standing();
}

void Transfer::received() {
    api_.metrics.received.add();
    holding_.reset();
    /// Whether it is what its client said that it would be.
    const auto assemble = [&] {
        const auto made = api_.assembler.assemble(hold_->upload, ChunkStore::When::now);
        if (made) return true;
        if (made.error().code == ErrorCode::invalid_checksum) return false;
        // The collector goes on.
        log::warn("resumable.not_assembled", {{"upload", hold_->upload.id.str()},
                                              {"code", to_string(made.error().code)},
                                              {"detail", made.error().detail}});
        return true;
    };
    const bool first = hold_->progress.offset <= kAssembledFirst;
    if (first && !assemble())
        return refuse({Why::wrong_whole, "the file does not have the SHA-256 of Repr-Digest; it is refused",
                       ErrorCode::invalid_checksum});
    answer_standing();
    if (!first) assemble();
}

protocol::Standing Transfer::standing() const {
    const auto& progress = hold_->progress;
    return {progress.offset,     progress.length,   progress.complete,
            progress.expires_at, progress.metadata, progress.most};
}

std::string Transfer::location() const {
    // tus knows one URL for an upload; what the draft resumes is one beginning of it.
    if (!errand_.asked.dialect.is_draft() || !hold_) return errand_.url;
    return errand_.url + "/" + std::to_string(hold_->progress.beginning);
}

void Transfer::answer_standing() {
    const auto& dialect = errand_.asked.dialect;
    answer(errand_.asked.verb == Verb::create ? protocol::created(dialect, location(), standing())
                                              : protocol::appended(dialect, standing()));
}

void Transfer::answer(const protocol::Answer& answer) {
    holding_.reset();
    place_ = {};
    if (!responder_.answered()) responder_.respond(response_of(answer));
}

void Transfer::remove_what_was_given_up() {
    if (uncommitted_.empty()) return;
    tell_left(api_.uploads.discard(*hold_, std::exchange(uncommitted_, {})));
    uncommitted_bytes_ = 0;
}

void Transfer::tell_left(const Result<>& removed) const {
    if (removed) return;
    // They are removed with the others when the upload ends.
    log::warn("resumable.chunks_left", {{"upload", hold_->upload.id.str()},
                                        {"code", to_string(removed.error().code)},
                                        {"detail", removed.error().detail}});
}

void Transfer::refuse(const Refusal& refusal) {
    remove_what_was_given_up();
    const auto at = hold_ ? std::optional{standing()} : std::nullopt;
    answer(protocol::refused(errand_.asked.dialect, refusal, at ? &*at : nullptr));
}

}  // namespace photogate::gateway::resumable

// Inside the module: one request about an upload, from its head to its answer.
//
// The steps that wait run on the pool, one after the other; between them the connection gathers the next piece. What has
// arrived is put into the store as a chunk and committed before more is asked for. With a checksum nothing is committed before
// all of it has come and is what it should be.
//
// Thread safety: one thread at a time has a Transfer; it keeps itself alive until it has answered.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/resumable/content_digest.hpp"
#include "gateway/resumable/resumable_routes.hpp"
#include "http/resumable/answer.hpp"

namespace photogate::gateway::resumable {

struct Errand {
    photogate::http::resumable::Asked asked;
    pipeline::resumable::Visitor visitor;
    std::optional<std::uint32_t> beginning;  ///< as the URL names it
    std::string url;                         ///< of the upload, without a beginning
    bool made_here = false;                  ///< the upload was made by this request
};

http::Response response_of(const photogate::http::resumable::Answer& answer);
photogate::http::resumable::Refusal refusal_of(const Error& error);

class Transfer : public std::enable_shared_from_this<Transfer> {
  public:
    Transfer(const ResumableApi& api, Errand errand, http::Request request, http::Responder responder);
    /// On an I/O thread, or on the committer's.
    void start();
    void fail(const Error& error) { refuse(refusal_of(error)); }

  private:
    using Piece = http::RequestBody::Piece;

    /// Before anybody is interrupted: a stranger is told nothing and disturbs nothing.
    void enter();
    Result<> take_place(const std::string& token);
    /// Another gateway may hold the upload.
    void ask_elsewhere();
    void take();
    void let_it_flow();
    std::optional<photogate::http::resumable::Refusal> check_append() const;
    std::optional<photogate::http::resumable::Refusal> check_length() const;
    /// 0 where it is not known.
    ByteSize announced_content() const;
    bool may_inform() const;
    /// Where it can be resumed.
    void send_location();
    /// How much is kept, now and then.
    void send_progress();
    void ask();
    void receive(Piece piece);
    Result<> keep(std::string_view bytes);
    /// False: all is said.
    bool commit(bool ends);
    void broke(const Error& error);
    /// `cut`: why it ended before its end.
    void end_of_content(const std::optional<Error>& cut);
    void received();
    bool is_whole_at(std::uint64_t offset) const;
    std::uint64_t next_byte() const;

    void answer(const photogate::http::resumable::Answer& answer);
    void answer_standing();
    void refuse(const photogate::http::resumable::Refusal& refusal);
    /// Objects that nobody will refer to would add up: their sender need only come again.
    void remove_what_was_given_up();
    void tell_left(const Result<>& removed) const;
    photogate::http::resumable::Standing standing() const;
    std::string location() const;
    template <class Work>
    void on_pool(Work work);

    const ResumableApi& api_;
    const Errand errand_;
    http::Request request_;
    http::Responder responder_;
    std::optional<pipeline::resumable::Hold> hold_;
    std::unique_ptr<Holders::Holding> holding_;
    access::ClientPlaces::Place place_;
    std::optional<ContentDigest> digest_;
    std::vector<storage::chunks::Chunk> uncommitted_;
    ByteSize uncommitted_bytes_ = 0;
    std::chrono::steady_clock::time_point informed_at_ = std::chrono::steady_clock::now();
    std::string last_bytes_;  ///< which make the upload whole, while more may still come
};

}  // namespace photogate::gateway::resumable

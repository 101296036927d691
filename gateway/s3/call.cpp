#include "gateway/s3/call.hpp"

#include <exception>
#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::s3 {

namespace {

/// The S3Error of the response is decided here; the status that the server logs follows from it.
class Pump : public std::enable_shared_from_this<Pump> {
  public:
    Pump(CallPtr call, http::WorkGroup& pool, std::unique_ptr<BodySink> sink)
        : call_(std::move(call)), pool_(pool), sink_(std::move(sink)) {}

    void start() {
        // Without Expect the body is already arriving: its first piece and the start share one task on the
        // pool.
        if (!call_->request.expects_continue) return ask();
        on_pool([self = shared_from_this()] {
            if (self->begun()) self->ask();
        });
    }

  private:
    void ask() {
        call_->request.stream->next([self = shared_from_this()](Result<http::RequestBody::Piece> piece) {
            if (!piece) {
                // The server has already answered if the peer was still connected, so this response is not
                // sent. The partial object is discarded.
                self->call_->reply(s3::refuse(Code::IncompleteBody));
                self->on_pool([self] { self->sink_.reset(); });
                return;
            }
            self->on_pool([self, piece = std::move(*piece)]() mutable { self->take(std::move(piece)); });
        });
    }

    bool begun() {
        if (std::exchange(begun_, true)) return true;
        return kept(sink_->begin());
    }

    void take(http::RequestBody::Piece piece) {
        if (!begun()) return;
        if (!kept(sink_->take(std::move(piece.bytes)))) return;
        if (!piece.last) return ask();
        auto answer = sink_->finish();
        sink_.reset();
        call_->reply(std::move(answer));
    }

    bool kept(const S3Result<>& step) {
        if (step) return true;
        sink_.reset();
        call_->refuse(step.error());
        return false;
    }

    template <class Work>
    void on_pool(Work work) {
        auto guarded = [self = shared_from_this(), work = std::move(work)]() mutable {
            try {
                work();
            } catch (const std::exception& error) {
                log::error("s3.exception",
                           {{"what", error.what()}, {"request_id", self->call_->request.request_id}});
                self->sink_.reset();
                self->call_->reply(s3::refuse(Code::InternalError));
            }
        };
        if (pool_.submit(std::move(guarded))) return;
        sink_.reset();
        call_->reply(s3::refuse(Code::SlowDown));
    }

    CallPtr call_;
    http::WorkGroup& pool_;
    std::unique_ptr<BodySink> sink_;
    bool begun_ = false;
};

class DocumentSink final : public BodySink {
  public:
    DocumentSink(BodyPromise promise, std::size_t most, DocumentHandler handler)
        : checks_(std::move(promise)), most_(most), handler_(std::move(handler)) {}

    S3Result<> begin() override {
        if (checks_.promise().length > most_) return s3::refuse(Code::MaxMessageLengthExceeded);
        return {};
    }
    S3Result<> take(std::string bytes) override {
        const auto piece = checks_.take(std::move(bytes));
        if (!piece) return s3::refuse(piece.error());
        if (document_.size() + piece->size() > most_) return s3::refuse(Code::MaxMessageLengthExceeded);
        document_ += *piece;
        return {};
    }
    S3Result<http::Response> finish() override {
        const auto checksum = checks_.end();
        if (!checksum) return s3::refuse(checksum.error());
        if (auto kept = checks_.hold(digests(), *checksum); !kept) return s3::refuse(kept.error());
        return handler_(document_);
    }

  private:
    Digests digests() const {
        Digests found;
        const auto bytes = as_bytes(document_);
        found.md5 = base64(signer::md5(bytes));
        found.sha256 = base64(signer::sha256(bytes));
        if (const auto algorithm = checks_.promise().algorithm()) {
            storage::builtin::ChecksumStream stream{*algorithm};
            stream.update(bytes);
            found.checksum = stream.finish();
        }
        return found;
    }

    BodyChecks checks_;
    std::size_t most_;
    DocumentHandler handler_;
    std::string document_;
};

}  // namespace

std::optional<std::string> Call::given(std::string_view name) const {
    if (const auto header = request.headers.find(name)) return std::string{*header};
    for (const auto& [parameter, value] : address.query) {
        if (ascii::equals_ignoring_case(parameter, name)) return value;
    }
    return std::nullopt;
}

void Call::answer(http::Response response) {
    response.set("x-amz-request-id", request.request_id);
    if (tells_encryption && response.status < 400) response.set("x-amz-server-side-encryption", "AES256");
    responder.respond(std::move(response));
}

void Call::refuse(const S3Error& error) {
    http::Response response = xml_response(error_document(
        error, {.bucket = address.bucket ? std::string_view{address.bucket->str()} : std::string_view{},
                .key = address.key ? std::string_view{address.key->str()} : std::string_view{},
                .resource = request.raw_path(),
                .request_id = request.request_id}));
    response.status = status_of(error.code);
    if (response.status == 503) response.set("Retry-After", "1");
    if (!error.region.empty()) response.set("x-amz-bucket-region", error.region);
    answer(std::move(response));
}

void Call::reply(S3Result<http::Response> result) {
    if (result) {
        answer(std::move(*result));
    } else {
        refuse(result.error());
    }
}

http::Response xml_response(std::string document) {
    http::Response response;
    response.set("Content-Type", "application/xml");
    response.body = std::move(document);
    return response;
}

void pump(CallPtr call, http::WorkGroup& pool, std::unique_ptr<BodySink> sink) {
    std::make_shared<Pump>(std::move(call), pool, std::move(sink))->start();
}

std::unique_ptr<BodySink> document_sink(BodyPromise promise, std::size_t most, DocumentHandler handler) {
    return std::make_unique<DocumentSink>(std::move(promise), most, std::move(handler));
}

void run(CallPtr call, http::WorkGroup& pool, std::function<S3Result<http::Response>()> work) {
    auto guarded = [call, work = std::move(work)] {
        try {
            call->reply(work());
        } catch (const std::exception& error) {
            log::error("s3.exception", {{"what", error.what()}, {"request_id", call->request.request_id}});
            call->reply(refuse(Code::InternalError));
        }
    };
    if (!pool.submit(std::move(guarded))) call->reply(refuse(Code::SlowDown));
}

}  // namespace photogate::gateway::s3

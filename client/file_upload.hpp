// One file on its way through a gateway: created, sent, completed, and waited for.
//
// What is tried again: every call that a network or a busy gateway let down, until nothing has gone forward for
// `Sending::patience`. A PUT that is answered 412 has arrived before: the declared SHA-256 says that it is the same file. A PUT that
// was cut goes on at the resumable URL, behind the last byte that the gateway has.
//
// Thread safety: files may be sent by several threads at once, each with its own FileUpload.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "client/gateway_api.hpp"
#include "storage/http/body_source.hpp"

namespace photogate::client {

enum class Way {
    automatic,  ///< multipart over 100 MB where the profile offers it, else a PUT, and resumable after a cut
    put,
    form,
    multipart,
    resumable
};

enum class Until { published, sent };

struct Sending {
    std::string profile;
    std::string content_type;  ///< empty: by the file's name
    std::vector<std::pair<std::string, std::string>> metadata;
    Way way = Way::automatic;
    Until until = Until::published;
    std::chrono::seconds patience{120};
    std::chrono::seconds longest_wait{600};  ///< for the final state
};

/// What became of a file. `id` is there as soon as the gateway has given one, also beside an error.
struct UploadedFile {
    std::string id;
    std::string state;
    std::string image_url;
    std::string why;  ///< of a rejected or failed upload: `code: detail`
};

class FileUpload {
  public:
    /// All outlive it. `random` is safe for threads.
    FileUpload(const GatewayApi& api, const Sending& sending, Random& random,
               std::atomic<std::uint64_t>& sent)
        : api_(api), sending_(sending), random_(random), sent_(sent) {}

    /// Errors: file_error; as GatewayApi; store_refused and what the store says; unavailable, where the final state did not come
    /// in time.
    Result<UploadedFile> run(const std::filesystem::path& file);
    const std::string& id() const { return id_; }

  private:
    class Patience;
    using Step = Result<>;

    Result<Answer> create(const std::filesystem::path& file, std::uint64_t size);
    Result<Answer> create_as(const std::string& method, const std::filesystem::path& file, std::uint64_t size,
                             const std::string& sha256);
    Step send(const json::Value& created);
    Step send_put(const json::Value& grant);
    Step send_form(const json::Value& grant);
    Step send_parts(const json::Value& grant);
    Step send_part(const json::Value& part, std::uint64_t part_size);
    Step send_resumable(const std::string& url);
    Result<UploadedFile> completed();
    Result<UploadedFile> waited(const Answer& first);
    std::string path() const;
    std::string hex_of_chance();

    const GatewayApi& api_;
    const Sending& sending_;
    Random& random_;
    std::atomic<std::uint64_t>& sent_;
    const storage::http::BodySource* file_ = nullptr;
    std::string id_;
};

}  // namespace photogate::client

// MinIO's `mc`, run with JSON output and a configuration of its own that is removed with this object.
//
// Thread safety: one thread, which lives as long as the commands that it runs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json/value.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace photogate::client::minio {

/// A store, and the key that it is used with.
struct Alias {
    std::string url;
    std::string access_key;
    Secret secret_key;
};

class MinioTool {
  public:
    /// `program`: the absolute path of `mc`. Errors: file_error.
    static Result<MinioTool> open(std::filesystem::path program, const std::map<std::string, Alias>& aliases);
    MinioTool(MinioTool&& other) noexcept;
    MinioTool& operator=(MinioTool&&) = delete;
    ~MinioTool();

    /// The objects that it printed. Errors: store_refused with what `mc` says, its code first: `NoSuchBucket: …`; file_error.
    Result<std::vector<json::Value>> run(const std::vector<std::string>& arguments,
                                         const std::optional<Secret>& input = std::nullopt) const;
    /// A file beside the configuration, for a document that `mc` reads from one. Errors: file_error.
    Result<std::filesystem::path> file(const std::string& name, const std::string& text) const;

  private:
    MinioTool(std::filesystem::path program, std::filesystem::path folder)
        : program_(std::move(program)), folder_(std::move(folder)) {}

    std::filesystem::path program_;
    std::filesystem::path folder_;
};

}  // namespace photogate::client::minio

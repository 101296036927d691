// MinIO's `mc`, run with JSON output and a configuration of its own.
//
// No secret is on a disk or among arguments: the configuration with the keys is a file in memory that `mc` opens through /proc, and what
// else is secret goes to its standard input. A process that is killed leaves an empty folder with a dangling link behind.
//
// Thread safety: one thread, which lives as long as the commands that it runs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/json/value.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace photogate::client::setup::minio {

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

    /// `input` is what it reads. The objects that it printed. Errors: store_refused with what `mc` says, its code first: `NoSuchBucket: …`; file_error.
    Result<std::vector<json::Value>> run(const std::vector<std::string>& arguments,
                                         const std::optional<Secret>& input = std::nullopt) const;

  private:
    MinioTool(std::filesystem::path program, std::filesystem::path folder, Descriptor configuration)
        : program_(std::move(program)),
          folder_(std::move(folder)),
          configuration_(std::move(configuration)) {}

    std::filesystem::path program_;
    std::filesystem::path folder_;
    Descriptor configuration_;
};

}  // namespace photogate::client::setup::minio

#include "client/files.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "signer/digest.hpp"

namespace photogate::client {

Result<std::string> sha256_of(const storage::http::BodySource& file) {
    signer::Sha256Stream digest;
    std::vector<std::uint8_t> buffer(std::size_t{1} << 18);
    for (std::uint64_t at = 0; at < file.size();) {
        const auto count = file.read(at, buffer);
        if (!count || *count == 0)
            return fail(ErrorCode::file_error, "the file could not be read to its end");
        digest.update(BytesView{buffer}.first(*count));
        at += *count;
    }
    return hex_lower(digest.finish());
}

std::string media_type_of(const std::filesystem::path& file) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTypes{
        {{".jpg", "image/jpeg"},
         {".jpeg", "image/jpeg"},
         {".jpe", "image/jpeg"},
         {".png", "image/png"},
         {".webp", "image/webp"},
         {".gif", "image/gif"},
         {".heic", "image/heic"},
         {".heif", "image/heif"},
         {".avif", "image/avif"},
         {".tif", "image/tiff"},
         {".tiff", "image/tiff"}}};
    const auto ending = ascii::to_lower(file.extension().string());
    for (const auto& [known, type] : kTypes) {
        if (ending == known) return std::string{type};
    }
    return {};
}

std::optional<std::size_t> CountedSource::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    const auto count = part_.read(offset, out);
    if (count) sent_ = offset_ + offset + *count;
    return count;
}

FormSource::FormSource(const std::vector<std::pair<std::string, std::string>>& fields,
                       const storage::http::BodySource& file, const std::string& boundary)
    : file_(file), behind_(fmt::format("\r\n--{}--\r\n", boundary)) {
    for (const auto& [name, value] : fields)
        before_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n", boundary,
                               name, value);
    before_ += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n",
                           boundary);
}

std::optional<std::size_t> FormSource::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset < before_.size())
        return storage::http::MemorySource{std::string_view{before_}}.read(offset, out);
    offset -= before_.size();
    if (offset < file_.size()) return file_.read(offset, out);
    return storage::http::MemorySource{std::string_view{behind_}}.read(offset - file_.size(), out);
}

}  // namespace photogate::client

#include "gateway/routes/attachment.hpp"

#include <algorithm>

#include "signer/uri_encode.hpp"

namespace photogate::gateway::routes {
namespace {

/// That stands for itself between quotes, for every reader: some decode `%XX` there.
bool is_plain(char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '%';
}

}  // namespace

std::string attachment(std::string_view name) {
    std::string plain;
    for (const char c : name) {
        // One `_` for a character, not for each of its bytes.
        if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;
        plain += is_plain(c) ? c : '_';
    }
    auto field = "attachment; filename=\"" + plain + "\"";
    if (plain != name) field += "; filename*=UTF-8''" + signer::encode_component(name);
    return field;
}

}  // namespace photogate::gateway::routes

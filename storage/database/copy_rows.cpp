#include "storage/database/copy_rows.hpp"

#include <stdexcept>

namespace photogate::storage::database {

void CopyText::separate() {
    if (in_row_) text_ += '\t';
    in_row_ = true;
}

void CopyText::field(std::string_view text) {
    separate();
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char escaped = 0;
        switch (text[i]) {
            case '\0':
                throw std::invalid_argument("a text holds NUL, which PostgreSQL cannot keep");
            case '\\':
                escaped = '\\';
                break;
            case '\n':
                escaped = 'n';
                break;
            case '\r':
                escaped = 'r';
                break;
            case '\t':
                escaped = 't';
                break;
            default:
                continue;
        }
        text_.append(text, from, i - from);
        text_ += '\\';
        text_ += escaped;
        from = i + 1;
    }
    text_.append(text, from, text.size() - from);
}

void CopyText::null() {
    separate();
    text_ += "\\N";
}

void CopyText::end_row() {
    text_ += '\n';
    in_row_ = false;
}

std::string_view CopyText::text() const {
    return std::string_view{text_}.substr(0, text_.empty() ? 0 : text_.size() - 1);
}

}  // namespace photogate::storage::database

#include "gateway/s3/xml.hpp"

#include "base/encoding.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

}  // namespace

Xml::Xml(std::string_view root) : out_(kDeclaration) {
    out_.append("<").append(root).append(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    open_.emplace_back(root);
}

Xml Xml::plain(std::string_view root) {
    Xml xml;
    xml.out_ = kDeclaration;
    xml.open(root);
    return xml;
}

Xml& Xml::open(std::string_view name) {
    out_.append("<").append(name).append(">");
    open_.emplace_back(name);
    return *this;
}

Xml& Xml::open_with(std::string_view name, std::string_view attributes) {
    out_.append("<").append(name).append(" ").append(attributes).append(">");
    open_.emplace_back(name);
    return *this;
}

Xml& Xml::close() {
    out_.append("</").append(open_.back()).append(">");
    open_.pop_back();
    return *this;
}

Xml& Xml::add(std::string_view name, std::string_view text) {
    out_.append("<").append(name).append(">");
    escape(text);
    out_.append("</").append(name).append(">");
    return *this;
}

Xml& Xml::text(std::string_view text) {
    escape(text);
    return *this;
}

Xml& Xml::add(std::string_view name, std::uint64_t number) {
    return add(name, std::to_string(number));
}

void Xml::escape(std::string_view text) {
    const std::string valid = to_valid_utf8(text);
    for (const char c : valid) {
        switch (c) {
            case '&':
                out_ += "&amp;";
                break;
            case '<':
                out_ += "&lt;";
                break;
            case '>':
                out_ += "&gt;";
                break;
            case '"':
                out_ += "&#34;";
                break;
            case '\'':
                out_ += "&#39;";
                break;
            case '\t':
            case '\n':
            case '\r':
                out_ += "&#" + std::to_string(static_cast<int>(c)) + ";";
                break;
            default:
                // XML 1.0 can't represent the other control characters.
                out_ +=
                    static_cast<unsigned char>(c) < 0x20 ? std::string{"\xEF\xBF\xBD"} : std::string(1, c);
        }
    }
}

std::string Xml::done() {
    while (!open_.empty())
        close();
    return std::move(out_);
}

}  // namespace photogate::gateway::s3

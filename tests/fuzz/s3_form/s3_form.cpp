// A size of pieces, a line that is the Content-Type, then any bytes as a form's body: the result does not
// depend on the split, the parsed parts are bounded, and a form made of them survives a round trip.
#include <algorithm>

#include "fuzz.hpp"
#include "gateway/s3/form.hpp"

namespace photogate::gateway::s3 {
namespace {

using fuzz::require;

struct Outcome {
    bool whole = false;
    std::string file;
    std::string file_name;
    std::vector<signer::HeaderField> fields;
    bool operator==(const Outcome&) const = default;
};

/// nullopt: rejected.
std::optional<Outcome> read(const std::string& boundary, std::string_view body, std::size_t step) {
    Form form{boundary};
    Outcome out;
    for (std::size_t at = 0; at < body.size(); at += step) {
        if (!form.feed(body.substr(at, step), out.file)) return std::nullopt;
        require(form.file_begun() || out.file.empty(), "no file flows before it has begun");
    }
    out.whole = form.finish().has_value();
    require(out.whole == form.file_ended(), "a form is whole where its file has ended");
    out.file_name = form.file_name();
    out.fields = form.fields();
    return out;
}

std::string written(const std::string& boundary, const Outcome& form) {
    std::string out;
    for (const auto& [name, value] : form.fields)
        out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value +
               "\r\n";
    return out + "--" + boundary + "\r\nContent-Disposition: form-data; name=file; filename=\"" +
           form.file_name + "\"\r\n\r\n" + form.file + "\r\n--" + boundary + "--\r\n";
}

/// A name that needs no escaping in quotes.
bool is_plain(std::string_view name) {
    return name.find_first_of("\"\\\r\n") == std::string_view::npos;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const std::size_t step = input.byte() % 32 + 1U;
    const auto boundary = form_boundary(input.line());
    if (!boundary) return;
    require(!boundary->empty() && boundary->size() <= 70, "a boundary has 1 to 70 bytes");
    const auto body = input.rest();
    const auto at_once = read(*boundary, body, std::max<std::size_t>(body.size(), 1));
    require(at_once == read(*boundary, body, step), "a form is read alike however it arrives");
    if (!at_once) return;
    require(at_once->fields.size() <= 100, "100 fields are read at most");
    for (const auto& [name, value] : at_once->fields) {
        require(!name.empty() && is_utf8(value) && value.find('\0') == std::string::npos,
                "a field is a named text");
    }
    const bool plain =
        is_plain(at_once->file_name) && std::all_of(at_once->fields.begin(), at_once->fields.end(),
                                                    [](const auto& field) { return is_plain(field.name); });
    if (!at_once->whole || !plain || !is_plain(*boundary)) return;
    const auto again = written(*boundary, *at_once);
    require(read(*boundary, again, again.size()) == at_once, "a form that is written reads the same");
}

const fuzz::Target target{"s3_form", run};

}  // namespace
}  // namespace photogate::gateway::s3

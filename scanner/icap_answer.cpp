#include "scanner/icap_answer.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "scanner/engine.hpp"

namespace photogate::scanner {
namespace {

constexpr std::size_t kMostHead = 16U << 10;
constexpr std::size_t kMostFields = 100;
constexpr std::size_t kMostEmbedded = 16U << 10;
constexpr std::size_t kMostSizeLine = 256;
constexpr std::size_t kMostSizeDigits = 8;
constexpr std::size_t kMostTrailers = 4U << 10;

tl::unexpected<Error> no_icap(const char* why) {
    return no_verdict(std::string{"its answer is no ICAP: "} + why);
}

/// Of `PREFIX` (`ICAP/1.`), a digit, a space, three digits, and anything behind a further space. 0: it is none.
int status_of(std::string_view line, std::string_view prefix) {
    if (!line.starts_with(prefix)) return 0;
    line.remove_prefix(prefix.size());
    if (line.size() < 5 || !ascii::is_digit(line[0]) || line[1] != ' ') return 0;
    line.remove_prefix(2);
    if (line.size() > 3 && line[3] != ' ') return 0;
    const auto status = ascii::parse_whole<std::uint16_t>(line.substr(0, 3));
    return status && *status >= 100 && *status < 600 ? *status : 0;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_alphanumeric(c) ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    });
}

}  // namespace

const std::string* IcapAnswer::find(std::string_view name) const {
    const auto found =
        std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.first == name; });
    return found == fields_.end() ? nullptr : &found->second;
}

Result<std::size_t> IcapAnswer::feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !is_complete()) {
        const auto left = bytes.substr(taken);
        Result<std::size_t> used = std::size_t{0};
        switch (stage_) {
            case Stage::head:
                used = feed_head(left);
                break;
            case Stage::embedded: {
                used = std::min(left.size(), embedded_ - held_.size());
                held_ += left.substr(0, *used);
                if (held_.size() == embedded_) {
                    if (auto read = take_embedded(); !read) return fail(std::move(read.error()));
                }
                break;
            }
            case Stage::chunk:
                used = static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), chunk_));
                if (sink_) sink_(left.substr(0, *used));
                chunk_ -= *used;
                if (chunk_ == 0) stage_ = Stage::chunk_end;
                break;
            case Stage::chunk_size:
            case Stage::chunk_end:
            case Stage::trailer:
                used = feed_line(left);
                break;
            case Stage::complete:
                break;
        }
        if (!used) return used;
        taken += *used;
    }
    return taken;
}

Result<std::size_t> IcapAnswer::feed_head(std::string_view bytes) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const auto before = held_.size();
    held_ += bytes.substr(0, kMostHead + kEnd.size() - before);
    const auto end = held_.find(kEnd, before < kEnd.size() ? 0 : before - kEnd.size());
    if (end == std::string::npos) {
        if (held_.size() >= kMostHead + kEnd.size()) return no_icap("its head is too long");
        return bytes.size();
    }
    const auto used = end + kEnd.size() - before;
    held_.resize(end);
    const auto head = std::move(held_);
    held_.clear();
    if (auto read = take_head(head); !read) return fail(std::move(read.error()));
    return used;
}

Result<> IcapAnswer::take_head(std::string_view head) {
    bool first = true;
    while (!head.empty() || first) {
        const auto end = head.find("\r\n");
        const auto line = head.substr(0, end);
        head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
        auto read = first ? take_status(line) : take_field(line);
        if (!read) return read;
        first = false;
    }
    stage_ = Stage::complete;
    return status_ < 200 ? Result<>{} : take_places();
}

Result<> IcapAnswer::take_status(std::string_view line) {
    status_ = has_control(line) ? 0 : status_of(line, "ICAP/1.");
    if (status_ == 0) return no_icap("its first line is no status");
    return {};
}

Result<> IcapAnswer::take_field(std::string_view line) {
    if (has_control(line)) return no_icap("a field has a control character");
    if (line.starts_with(' ') || line.starts_with('\t')) {
        if (fields_.empty()) return no_icap("its first field is folded");
        fields_.back().second += ' ';
        fields_.back().second += trim(line);
        return {};
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_name(line.substr(0, colon)))
        return no_icap("a field has no name");
    if (fields_.size() >= kMostFields) return no_icap("it has too many fields");
    fields_.emplace_back(ascii::to_lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
    return {};
}

/// `Encapsulated: res-hdr=0, res-body=137`: where each part begins; the body is the last (RFC 3507, 4.4.1).
Result<> IcapAnswer::take_places() {
    const auto* places = find("encapsulated");
    if (places == nullptr) return {};
    if (std::count_if(fields_.begin(), fields_.end(),
                      [](const auto& field) { return field.first == "encapsulated"; }) != 1)
        return no_icap("Encapsulated is repeated");
    std::string_view rest = *places;
    std::size_t last = 0;
    bool first = true, ended = false, response = false;
    while (!rest.empty() || first) {
        const auto comma = rest.find(',');
        const auto part = trim(rest.substr(0, comma));
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        const auto equals = part.find('=');
        const auto name = part.substr(0, equals);
        const auto at = equals == std::string_view::npos
                            ? std::nullopt
                            : ascii::parse_whole<std::uint32_t>(part.substr(equals + 1));
        if (!at || *at > kMostEmbedded || ended || (first ? *at != 0 : *at <= last))
            return no_icap("Encapsulated is malformed");
        if (response) response_end_ = *at;
        response = name == "res-hdr";
        if (response) {
            if (response_end_ != 0) return no_icap("Encapsulated is malformed");
            response_at_ = *at;
        }
        if (name == "res-body" || name == "opt-body" || name == "req-body") {
            has_body_ = ended = true;
        } else if (name == "null-body") {
            ended = true;
        } else if (!response && name != "req-hdr") {
            return no_icap("Encapsulated is malformed");
        }
        last = *at;
        first = false;
    }
    if (!ended) return no_icap("Encapsulated has no body");
    embedded_ = last;
    stage_ = Stage::embedded;
    return embedded_ == 0 ? take_embedded() : Result<>{};
}

Result<> IcapAnswer::take_embedded() {
    if (response_end_ > response_at_) {
        std::string_view head = held_;
        head = head.substr(response_at_, response_end_ - response_at_);
        http_status_ = status_of(head.substr(0, head.find("\r\n")), "HTTP/1.");
        if (http_status_ == 0 || !head.ends_with("\r\n\r\n")) return no_icap("its HTTP head is malformed");
    }
    held_.clear();
    stage_ = has_body_ ? Stage::chunk_size : Stage::complete;
    return {};
}

Result<std::size_t> IcapAnswer::feed_line(std::string_view bytes) {
    const auto most = stage_ == Stage::trailer ? kMostTrailers : kMostSizeLine;
    std::size_t used = 0;
    while (used < bytes.size()) {
        held_ += bytes[used++];
        if (held_.size() > most + 2) return no_icap("a line of its body is too long");
        if (!held_.ends_with("\r\n")) continue;
        held_.resize(held_.size() - 2);
        const auto line = std::move(held_);
        held_.clear();
        if (auto read = take_line(line); !read) return fail(std::move(read.error()));
        return used;
    }
    return used;
}

Result<> IcapAnswer::take_line(std::string_view line) {
    if (has_control(line)) return no_icap("a line of its body has a control character");
    if (stage_ == Stage::chunk_size) return take_chunk_size(line);
    if (stage_ == Stage::chunk_end) {
        if (!line.empty()) return no_icap("a chunk is longer than it says");
        stage_ = Stage::chunk_size;
        return {};
    }
    trailers_ += line.size();
    if (trailers_ > kMostTrailers) return no_icap("its trailers are too long");
    if (line.empty()) stage_ = Stage::complete;
    return {};
}

Result<> IcapAnswer::take_chunk_size(std::string_view line) {
    const auto digits = line.substr(0, line.find_first_of("; \t"));
    const auto behind = trim(line.substr(digits.size()));
    if (digits.empty() || digits.size() > kMostSizeDigits || (!behind.empty() && !behind.starts_with(';')))
        return no_icap("a chunk has no size");
    chunk_ = 0;
    for (const char c : digits) {
        const auto value = ascii::hex_value(c);
        if (value < 0) return no_icap("a chunk has no size");
        chunk_ = chunk_ << 4U | static_cast<std::uint64_t>(value);
    }
    stage_ = chunk_ == 0 ? Stage::trailer : Stage::chunk;
    return {};
}

}  // namespace photogate::scanner

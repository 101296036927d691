#include "signer/amz_date.hpp"

namespace photogate::signer {
namespace {

using namespace std::chrono;

void two_digits(char* out, unsigned value) {
    out[0] = static_cast<char>('0' + value / 10);
    out[1] = static_cast<char>('0' + value % 10);
}

std::optional<unsigned> number(std::string_view digits) {
    unsigned value = 0;
    for (char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

}  // namespace

AmzDate::AmzDate(Timestamp at) {
    const auto midnight = floor<days>(at);
    const year_month_day date{midnight};
    const auto second = static_cast<unsigned>(duration_cast<seconds>(at - midnight).count());
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    two_digits(&text_[0], year / 100 % 100);
    two_digits(&text_[2], year % 100);
    two_digits(&text_[4], static_cast<unsigned>(date.month()));
    two_digits(&text_[6], static_cast<unsigned>(date.day()));
    text_[8] = 'T';
    two_digits(&text_[9], second / 3600);
    two_digits(&text_[11], second / 60 % 60);
    two_digits(&text_[13], second % 60);
    text_[15] = 'Z';
}

std::optional<Timestamp> parse_amz_date(std::string_view text) {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    const auto y = number(text.substr(0, 4)), mo = number(text.substr(4, 2)), d = number(text.substr(6, 2));
    const auto h = number(text.substr(9, 2)), mi = number(text.substr(11, 2)), s = number(text.substr(13, 2));
    if (!y || !mo || !d || !h || !mi || !s || *y < 1970 || *h > 23 || *mi > 59 || *s > 59)
        return std::nullopt;
    const year_month_day date{year{static_cast<int>(*y)}, month{*mo}, std::chrono::day{*d}};
    if (!date.ok()) return std::nullopt;
    return Timestamp{sys_days{date}} + hours{*h} + minutes{*mi} + seconds{*s};
}

bool has_amz_date(Timestamp at) {
    return at >= Timestamp{sys_days{year{1970} / January / 1}} &&
           at < Timestamp{sys_days{year{10000} / January / 1}};
}

}  // namespace photogate::signer

#include "base/time.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace photogate {
namespace {

using namespace std::chrono;

struct Civil {
    year_month_day date;
    hh_mm_ss<microseconds> time;
};

Civil civil(Timestamp at) {
    const auto day = floor<days>(at);
    return {year_month_day{day}, hh_mm_ss<microseconds>{at - day}};
}

/// With leading zeros.
void put_digits(std::string& text, unsigned number, std::size_t count) {
    const auto from = text.size();
    text.resize(from + count);
    for (std::size_t i = count; i-- > 0; number /= 10)
        text[from + i] = static_cast<char>('0' + number % 10);
}

void put_year(std::string& text, const year_month_day& date) {
    const auto year = static_cast<int>(date.year());
    if (year >= 0 && year <= 9'999) return put_digits(text, static_cast<unsigned>(year), 4);
    text += std::to_string(year);
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
    if (text.size() < at + count) return std::nullopt;
    int value = 0;
    for (char c : text.substr(at, count)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<Timestamp> compose(int y, int mo, int d, int h, int mi, int s) {
    const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
    if (!date.ok() || y < 1970 || h > 23 || mi > 59 || s > 60) return std::nullopt;
    return Timestamp{sys_days{date}} + hours{h} + minutes{mi} + seconds{s};
}

constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

}  // namespace

Timestamp SystemClock::now() const {
    return time_point_cast<microseconds>(system_clock::now());
}

std::string format_rfc3339(Timestamp at) {
    const auto c = civil(at);
    std::string text;
    text.reserve(32);
    put_year(text, c.date);
    const auto put = [&](char before, auto number) {
        text += before;
        put_digits(text, static_cast<unsigned>(number), 2);
    };
    put('-', static_cast<unsigned>(c.date.month()));
    put('-', static_cast<unsigned>(c.date.day()));
    put('T', c.time.hours().count());
    put(':', c.time.minutes().count());
    put(':', c.time.seconds().count());
    text += '.';
    put_digits(text, static_cast<unsigned>(c.time.subseconds().count() / 1'000), 3);
    text += 'Z';
    return text;
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
    // 2026-11-20T12:34:56[.fraction](Z|±hh:mm)
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
        text[13] != ':' || text[16] != ':') {
        return std::nullopt;
    }
    const auto y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
    const auto h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
    if (!y || !mo || !d || !h || !mi || !s) return std::nullopt;
    auto at = compose(*y, *mo, *d, *h, *mi, *s);
    if (!at) return std::nullopt;
    std::size_t i = 19;
    if (text[i] == '.') {
        std::int64_t micros = 0;
        int count = 0;
        for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i, ++count) {
            if (count < 6) micros = micros * 10 + (text[i] - '0');
        }
        if (count == 0 || count > 9) return std::nullopt;
        for (; count < 6; ++count)
            micros *= 10;
        *at += microseconds{micros};
    }
    const auto zone = text.substr(i);
    if (zone == "Z" || zone == "z") return at;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
    const auto oh = digits(zone, 1, 2), om = digits(zone, 4, 2);
    if (!oh || !om || *oh > 23 || *om > 59) return std::nullopt;
    const auto offset = hours{*oh} + minutes{*om};
    const auto utc = zone[0] == '+' ? *at - offset : *at + offset;
    const bool written_alike = utc >= Timestamp{} && utc < Timestamp{sys_days{year{10000} / January / 1}};
    return written_alike ? std::optional{utc} : std::nullopt;
}

std::string format_minute(Timestamp at) {
    const auto c = civil(at);
    std::string text;
    put_year(text, c.date);
    put_digits(text, static_cast<unsigned>(c.date.month()), 2);
    put_digits(text, static_cast<unsigned>(c.date.day()), 2);
    put_digits(text, static_cast<unsigned>(c.time.hours().count()), 2);
    put_digits(text, static_cast<unsigned>(c.time.minutes().count()), 2);
    return text;
}

std::string format_http_date(Timestamp at) {
    const auto c = civil(at);
    const weekday w{floor<days>(at)};
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[w.c_encoding()],
                       static_cast<unsigned>(c.date.day()),
                       kMonths[static_cast<unsigned>(c.date.month()) - 1], static_cast<int>(c.date.year()),
                       c.time.hours().count(), c.time.minutes().count(), c.time.seconds().count());
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
    // Sun, 06 Nov 1994 08:49:37 GMT
    if (text.size() != 29 || text.substr(25) != " GMT" || text.substr(3, 2) != ", " || text[7] != ' ' ||
        text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
        return std::nullopt;
    }
    int month = 0;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
        if (text.substr(8, 3) == kMonths[i]) month = static_cast<int>(i) + 1;
    }
    const auto d = digits(text, 5, 2), y = digits(text, 12, 4);
    const auto h = digits(text, 17, 2), mi = digits(text, 20, 2), s = digits(text, 23, 2);
    if (month == 0 || !d || !y || !h || !mi || !s) return std::nullopt;
    return compose(*y, month, *d, *h, *mi, *s);
}

}  // namespace photogate

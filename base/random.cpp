#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/random.h>

namespace photogate {
namespace {

void fill_from_kernel(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t n = ::getrandom(out.data(), out.size(), 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        out = out.subspan(static_cast<std::size_t>(n));
    }
}

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
    // Rejection sampling keeps it uniform: values at or above the largest multiple of `bound` are drawn
    // again.
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        std::uint64_t value = 0;
        fill(std::as_writable_bytes(std::span{&value, 1}));
        if (value < limit) return value % bound;
    }
}

void SystemRandom::fill(std::span<std::byte> out) {
    // One system call serves many ids; each thread has its own buffer and uses each byte once.
    thread_local std::array<std::byte, 512> buffer;
    thread_local std::size_t used = buffer.size();
    if (out.size() > buffer.size()) return fill_from_kernel(out);
    if (buffer.size() - used < out.size()) {
        fill_from_kernel(buffer);
        used = 0;
    }
    std::memcpy(out.data(), buffer.data() + used, out.size());
    std::memset(buffer.data() + used, 0, out.size());
    used += out.size();
}

void SeededRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        z ^= z >> 31;
        const auto n = std::min(out.size(), sizeof z);
        std::memcpy(out.data(), &z, n);
        out = out.subspan(n);
    }
}

}  // namespace photogate

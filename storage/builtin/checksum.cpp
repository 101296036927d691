#include "storage/builtin/checksum.hpp"

#include <array>
#include <utility>
#include <variant>

#include "base/ascii.hpp"
#include "signer/digest.hpp"
#include "storage/builtin/crc.hpp"

namespace photogate::storage::builtin {

namespace {

using Name = std::pair<std::string_view, ChecksumAlgorithm>;
constexpr std::array kNames{
    Name{"CRC32", ChecksumAlgorithm::crc32},         Name{"CRC32C", ChecksumAlgorithm::crc32c},
    Name{"CRC64NVME", ChecksumAlgorithm::crc64nvme}, Name{"SHA1", ChecksumAlgorithm::sha1},
    Name{"SHA256", ChecksumAlgorithm::sha256},
};

std::size_t length_of(ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::crc32:
        case ChecksumAlgorithm::crc32c:
            return 4;
        case ChecksumAlgorithm::crc64nvme:
            return 8;
        case ChecksumAlgorithm::sha1:
            return 20;
        case ChecksumAlgorithm::sha256:
            return 32;
    }
    return 0;
}

struct RunningCrc {
    Crc which;
    std::size_t length;
    std::uint64_t value = 0;
};

Bytes big_endian(std::uint64_t value, std::size_t length) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(value >> (8 * (length - 1 - i)));
    return bytes;
}

std::uint64_t from_big_endian(BytesView bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes)
        value = value << 8 | byte;
    return value;
}

std::optional<Crc> crc_of(ChecksumAlgorithm algorithm) {
    switch (algorithm) {
        case ChecksumAlgorithm::crc32:
            return Crc::crc32;
        case ChecksumAlgorithm::crc32c:
            return Crc::crc32c;
        case ChecksumAlgorithm::crc64nvme:
            return Crc::crc64nvme;
        case ChecksumAlgorithm::sha1:
        case ChecksumAlgorithm::sha256:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view text) {
    for (const auto& [name, algorithm] : kNames)
        if (ascii::equals_ignoring_case(name, text)) return algorithm;
    return std::nullopt;
}

std::string_view to_string(ChecksumAlgorithm algorithm) {
    for (const auto& [name, known] : kNames)
        if (known == algorithm) return name;
    return "";
}

std::string_view to_string(ChecksumType type) {
    switch (type) {
        case ChecksumType::full_object:
            return "FULL_OBJECT";
        case ChecksumType::composite:
            return "COMPOSITE";
    }
    return "";
}

bool is_checksum(ChecksumAlgorithm algorithm, std::string_view base64_text) {
    const auto bytes = from_base64(base64_text);
    return bytes && bytes->size() == length_of(algorithm);
}

struct ChecksumStream::State {
    std::variant<RunningCrc, signer::Sha1Stream, signer::Sha256Stream> running;
};

ChecksumStream::ChecksumStream(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
    if (const auto crc = crc_of(algorithm))
        state_ = std::make_unique<State>(State{RunningCrc{*crc, length_of(algorithm)}});
    else if (algorithm == ChecksumAlgorithm::sha1)
        state_ = std::make_unique<State>(State{signer::Sha1Stream{}});
    else
        state_ = std::make_unique<State>(State{signer::Sha256Stream{}});
}

ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;

void ChecksumStream::update(BytesView bytes) {
    if (auto* crc = std::get_if<RunningCrc>(&state_->running))
        crc->value = extend_crc(crc->which, crc->value, bytes);
    else if (auto* sha1 = std::get_if<signer::Sha1Stream>(&state_->running))
        sha1->update(bytes);
    else
        std::get<signer::Sha256Stream>(state_->running).update(bytes);
}

std::string ChecksumStream::finish() {
    if (const auto* crc = std::get_if<RunningCrc>(&state_->running))
        return base64(big_endian(crc->value, crc->length));
    if (auto* sha1 = std::get_if<signer::Sha1Stream>(&state_->running)) return base64(sha1->finish());
    return base64(std::get<signer::Sha256Stream>(state_->running).finish());
}

Bytes combine_crcs(ChecksumAlgorithm algorithm, BytesView a, BytesView b, std::uint64_t length_of_b) {
    const auto crc = crc_of(algorithm);
    if (!crc) return {};
    return big_endian(join_crcs(*crc, from_big_endian(a), from_big_endian(b), length_of_b),
                      length_of(algorithm));
}

}  // namespace photogate::storage::builtin

#include "model/parts.hpp"

#include <algorithm>

namespace photogate::model {

ByteSize part_size_for(ByteSize size) {
    constexpr ByteSize kMebibyte = 1U << 20;
    const ByteSize least = (size + kMostParts - 1) / kMostParts;
    return std::max(kLeastPartSize, (least + kMebibyte - 1) / kMebibyte * kMebibyte);
}

std::uint32_t most_parts_of(ByteSize size) {
    return static_cast<std::uint32_t>(std::min<ByteSize>(kMostParts, size / kLeastPartSize + 1));
}

std::uint32_t PartPlan::count() const {
    if (is_open()) return kMostParts;
    return static_cast<std::uint32_t>((size + part_size - 1) / part_size);
}

ByteSize PartPlan::size_of(std::uint32_t number) const {
    if (is_open()) return 0;
    return number < count() ? part_size : size - ByteSize{count() - 1} * part_size;
}

}  // namespace photogate::model

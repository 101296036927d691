#include "model/parts.hpp"

#include <algorithm>

namespace photogate::model {

ByteSize part_size_for(ByteSize size) {
    constexpr ByteSize kMebibyte = 1U << 20;
    const ByteSize least = (size + kMostParts - 1) / kMostParts;
    return std::max(kLeastPartSize, (least + kMebibyte - 1) / kMebibyte * kMebibyte);
}

std::uint32_t PartPlan::count() const {
    return static_cast<std::uint32_t>((size + part_size - 1) / part_size);
}

ByteSize PartPlan::size_of(std::uint32_t number) const {
    return number < count() ? part_size : size - ByteSize{count() - 1} * part_size;
}

}  // namespace photogate::model

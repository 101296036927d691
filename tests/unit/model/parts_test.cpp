// How a file is divided into parts.
#include "model/parts.hpp"

#include <gtest/gtest.h>

namespace photogate::model {
namespace {

constexpr ByteSize kMebibyte = 1U << 20;

TEST(Parts, have_the_least_size_that_stores_accept_as_long_as_it_suffices) {
    EXPECT_EQ(part_size_for(1), kLeastPartSize);
    EXPECT_EQ(part_size_for(kLeastPartSize * kMostParts), kLeastPartSize);
    EXPECT_EQ(part_size_for(kLeastPartSize * kMostParts + 1), 6 * kMebibyte);
}

TEST(Parts, are_never_more_than_ten_thousand) {
    for (ByteSize size = 1; size < ByteSize{5} << 40; size = size * 3 + 7) {
        const PartPlan plan{size, part_size_for(size)};
        EXPECT_LE(plan.count(), kMostParts) << size;
        EXPECT_EQ(plan.part_size % kMebibyte, 0U);
    }
}

TEST(Parts, have_one_size_but_for_the_last_and_the_files_size_together) {
    for (const ByteSize size : {ByteSize{1}, kLeastPartSize - 1, kLeastPartSize, kLeastPartSize + 1,
                                3 * kLeastPartSize, 3 * kLeastPartSize + 17}) {
        const PartPlan plan{size, kLeastPartSize};
        ByteSize sum = 0;
        for (std::uint32_t number = 1; number <= plan.count(); ++number) {
            if (number < plan.count()) {
                EXPECT_EQ(plan.size_of(number), kLeastPartSize);
            }
            EXPECT_GE(plan.size_of(number), 1U);
            sum += plan.size_of(number);
        }
        EXPECT_EQ(sum, size);
    }
}

}  // namespace
}  // namespace photogate::model

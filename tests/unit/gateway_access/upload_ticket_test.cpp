#include "gateway/access/upload_ticket.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::access {
namespace {

const UploadId kUpload = UploadId::trusted("upl_06f3y0000000000000000000aa"),
               kOther = UploadId::trusted("upl_06f3y0000000000000000000ab");
const Timestamp kNow{std::chrono::seconds{1'800'000'000}};
const Timestamp kEnd = kNow + std::chrono::hours{1};

std::vector<Secret> secrets(std::initializer_list<const char*> texts) {
    std::vector<Secret> all;
    for (const auto* text : texts)
        all.emplace_back(std::string{text});
    return all;
}

ErrorCode refusal(const Result<Timestamp>& verified) {
    return verified ? ErrorCode::internal : verified.error().code;
}

TEST(UploadTickets, are_of_one_upload_until_their_end) {
    const UploadTickets tickets{secrets({"a secret of at least 32 characters"})};
    const auto ticket = tickets.sign(kUpload, kEnd);
    EXPECT_TRUE(looks_like_upload_ticket(ticket));
    ASSERT_TRUE(tickets.verify(ticket, kUpload, kNow));
    EXPECT_EQ(*tickets.verify(ticket, kUpload, kNow), kEnd);
    EXPECT_EQ(refusal(tickets.verify(ticket, kOther, kNow)), ErrorCode::unauthenticated);
    EXPECT_EQ(refusal(tickets.verify(ticket, kUpload, kEnd)), ErrorCode::upload_not_found);
}

TEST(UploadTickets, forged_ones_are_refused) {
    const UploadTickets tickets{secrets({"a secret of at least 32 characters"})};
    const auto ticket = tickets.sign(kUpload, kEnd);
    auto later = ticket;
    later[5] = '9';
    for (const auto& forged : {later, ticket.substr(0, ticket.size() - 1), ticket + "A", std::string{"pgt_u"},
                               std::string{"pgt_u1800003600"}, std::string{"pgt_u1800003600."},
                               ticket.substr(0, ticket.find('.') + 1), std::string{}})
        EXPECT_EQ(refusal(tickets.verify(forged, kUpload, kNow)), ErrorCode::unauthenticated) << forged;
}

TEST(UploadTickets, secret_may_be_rotated) {
    const UploadTickets before{secrets({"the old secret of 32 characters.."})};
    const UploadTickets both{
        secrets({"the new secret of 32 characters..", "the old secret of 32 characters.."})};
    const UploadTickets after{secrets({"the new secret of 32 characters.."})};
    const auto ticket = before.sign(kUpload, kEnd);
    EXPECT_TRUE(both.verify(ticket, kUpload, kNow));
    EXPECT_FALSE(after.verify(ticket, kUpload, kNow));
}

}  // namespace
}  // namespace photogate::gateway::access

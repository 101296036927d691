#include "scanner/icap_answer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scanner/icap.hpp"

namespace photogate::scanner {
namespace {

using namespace std::chrono_literals;

/// As c-icap 0.5.10 with virus_scan sends it.
const std::string kInfected =
    "ICAP/1.0 200 OK\r\nServer: C-ICAP/0.5.10\r\nConnection: keep-alive\r\nISTag: \"CI0001-L5CkDhq\"\r\n"
    "X-Infection-Found: Type=0; Resolution=2; Threat=Test.EICAR.UNOFFICIAL;\r\n"
    "X-Violations-Found: 1\r\n\t-\r\n\tTest.EICAR.UNOFFICIAL\r\n\t0\r\n\t0\r\n"
    "Encapsulated: res-hdr=0, res-body=61\r\n\r\n"
    "HTTP/1.0 403 Forbidden\r\nServer: C-ICAP\r\nConnection: close\r\n\r\n"
    "6\r\n<html>\r\n3; a=b\r\nno\n\r\n0\r\n\r\n";

struct Read {
    Result<std::size_t> used = std::size_t{0};
    bool complete = false;
    int status = 0;
    int http_status = 0;
    std::string body;
};

Read read(const std::string& bytes, std::size_t step = std::string::npos) {
    Read found;
    IcapAnswer answer{[&](std::string_view part) { found.body += part; }};
    std::size_t at = 0;
    while (at < bytes.size() && !answer.is_complete()) {
        const auto used = answer.feed(std::string_view{bytes}.substr(at, step));
        if (!used) {
            found.used = used;
            return found;
        }
        at += *used;
    }
    found.used = at;
    found.complete = answer.is_complete();
    found.status = answer.status();
    found.http_status = answer.http_status();
    return found;
}

TEST(IcapAnswer, is_read_to_its_end_and_no_further) {
    for (const std::size_t step : {std::string::npos, std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
        const auto found = read(kInfected + "ICAP/1.0 204", step);
        ASSERT_TRUE(found.used) << found.used.error().detail;
        EXPECT_EQ(*found.used, kInfected.size());
        EXPECT_TRUE(found.complete);
        EXPECT_EQ(found.status, 200);
        EXPECT_EQ(found.http_status, 403);
        EXPECT_EQ(found.body, "<html>no\n");
    }
}

TEST(IcapAnswer, without_a_body_ends_with_its_head) {
    for (const auto* text :
         {"ICAP/1.0 204 Unmodified\r\nISTag: \"a\"\r\n\r\n", "ICAP/1.0 100 Continue\r\n\r\n",
          "ICAP/1.0 404 Service not found\r\nConnection: close\r\n\r\n",
          "ICAP/1.0 200\r\nEncapsulated: null-body=0\r\n\r\n",
          "ICAP/1.0 200 OK\r\nencapsulated:res-hdr=0,null-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
        const auto found = read(text);
        ASSERT_TRUE(found.used) << text << found.used.error().detail;
        EXPECT_TRUE(found.complete) << text;
        EXPECT_EQ(*found.used, std::string{text}.size()) << text;
        EXPECT_EQ(found.body, "");
    }
}

TEST(IcapAnswer, that_is_none_is_refused) {
    const std::string ok = "ICAP/1.0 200 OK\r\n";
    const std::string with_body = ok + "Encapsulated: res-body=0\r\n\r\n";
    for (const auto& text :
         std::vector<std::string>{"HTTP/1.1 200 OK\r\n\r\n",
                                  "ICAP/2.0 200 OK\r\n\r\n",
                                  "ICAP/1.0 20 OK\r\n\r\n",
                                  "ICAP/1.0 2000\r\n\r\n",
                                  "ICAP/1.0 099 x\r\n\r\n",
                                  "ICAP/1.0 600 x\r\n\r\n",
                                  "\r\n\r\n",
                                  "ICAP/1.0  200\r\n\r\n",
                                  "ICAP/1.0 200 O\nK\r\n\r\n",
                                  ok + " folded: first\r\n\r\n",
                                  ok + "no colon\r\n\r\n",
                                  ok + ": b\r\n\r\n",
                                  ok + "a b: c\r\n\r\n",
                                  ok + "a: \x01\r\n\r\n",
                                  ok + std::string("a: \0\r\n\r\n", 8),
                                  ok + "a: b\nc: d\r\n\r\n",
                                  ok + "Encapsulated: res-body=0\r\nEncapsulated: res-body=0\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0\r\n\r\n",
                                  ok + "Encapsulated: res-body=1\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=5, res-body=9\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0, res-body=0\r\n\r\n",
                                  ok + "Encapsulated: res-body=0, res-hdr=9\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0, res-body=99999\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0, res-body=-1\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0,, res-body=9\r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0, res-hdr=4, res-body=9\r\n\r\n",
                                  ok + "Encapsulated: other=0\r\n\r\n",
                                  ok + "Encapsulated: \r\n\r\n",
                                  ok + "Encapsulated: res-hdr=0, res-body=4\r\n\r\nabcd",
                                  ok + "Encapsulated: res-hdr=0, res-body=15\r\n\r\nHTTP/1.1 200 OK",
                                  with_body + "\r\n",
                                  with_body + "x\r\n",
                                  with_body + "123456789\r\n",
                                  with_body + "-1\r\n",
                                  with_body + "0x1\r\n",
                                  with_body + " 1\r\n",
                                  with_body + "1\r\nab\r\n",
                                  with_body + "1 x\r\n",
                                  with_body + "1;" + std::string(400, 'x') + "\r\n",
                                  with_body + "0\r\n" + std::string(5'000, 'x') + "\r\n",
                                  ok + "a: " + std::string(17'000, 'x')}) {
        EXPECT_FALSE(read(text).used) << text.substr(0, 200);
        EXPECT_FALSE(read(text, 1).used) << text.substr(0, 200);
    }
    std::string many = ok;
    for (int i = 0; i < 101; ++i)
        many += "a: b\r\n";
    EXPECT_FALSE(read(many + "\r\n").used);
    std::string trailers = with_body + "0\r\n";
    for (int i = 0; i < 2'000; ++i)
        trailers += "a: b\r\n";
    EXPECT_FALSE(read(trailers).used);
}

TEST(IcapAnswer, that_is_cut_off_is_not_complete) {
    for (std::size_t size = 0; size < kInfected.size(); ++size) {
        const auto found = read(kInfected.substr(0, size));
        ASSERT_TRUE(found.used) << size;
        EXPECT_FALSE(found.complete) << size;
    }
}

Verdict finding_of(const std::string& fields) {
    IcapAnswer answer;
    EXPECT_TRUE(answer.feed("ICAP/1.0 200 OK\r\n" + fields + "\r\n"));
    return read_icap_finding(answer);
}

TEST(IcapFinding, is_named_by_the_fields_that_products_send) {
    EXPECT_EQ(finding_of("X-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;\r\n"),
              found("Eicar-Test"));
    EXPECT_EQ(finding_of("x-infection-found: type=0;threat=a b\r\n"), found("a b"));
    EXPECT_EQ(finding_of("X-Infection-Found: Type=0; Resolution=2;\r\n"), found("unnamed"));
    EXPECT_EQ(finding_of("X-Virus-ID: EICAR Test String\r\n"), found("EICAR Test String"));
    EXPECT_EQ(finding_of("X-Violations-Found: 1\r\n\t-\r\n\tEicar\r\n\t0\r\n\t0\r\n"),
              found("1 - Eicar 0 0"));
    EXPECT_EQ(finding_of("X-Virus-ID: no\r\nX-Violations-Found: 0\r\n"), Verdict{});
    EXPECT_EQ(finding_of("Server: a\r\n"), Verdict{});
    EXPECT_EQ(finding_of("X-Virus-ID: a\xff\r\n"), found("a?"));
}

TEST(IcapFinding, that_the_file_is_beyond_what_is_scanned_is_a_limit) {
    const auto found = finding_of("X-Infection-Found: Type=2; Resolution=0; Threat=Max archive depth;\r\n");
    EXPECT_EQ(found.kind, Verdict::Kind::beyond);
    EXPECT_NE(found.text.find("Max archive depth"), std::string::npos);
}

Result<IcapService> service_of(const std::string& status, const std::string& fields) {
    IcapAnswer answer;
    EXPECT_TRUE(answer.feed("ICAP/1.0 " + status + "\r\n" + fields + "\r\n"));
    return read_icap_service(answer, 8);
}

TEST(IcapService, says_what_it_can_do) {
    const auto service =
        service_of("200 OK",
                   "Methods: RESPMOD, REQMOD\r\nPreview: 1024\r\nAllow: 204\r\nMax-Connections: 4\r\n"
                   "Options-TTL: 60\r\nEncapsulated: null-body=0\r\n");
    ASSERT_TRUE(service) << service.error().detail;
    EXPECT_EQ(service->preview, 1'024U);
    EXPECT_TRUE(service->allows_204);
    EXPECT_EQ(service->connections, 4U);
    EXPECT_EQ(service->good_for, 60s);
    const auto plain = service_of("200 OK", "Methods: respmod\r\n");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->preview, std::nullopt);
    EXPECT_FALSE(plain->allows_204);
    EXPECT_EQ(plain->connections, 8U);
}

TEST(IcapService, is_held_to_bounds) {
    const auto service =
        service_of("200 OK",
                   "Methods: RESPMOD\r\nPreview: 4294967295\r\nMax-Connections: 0\r\nOptions-TTL: "
                   "4294967295\r\n");
    ASSERT_TRUE(service);
    EXPECT_EQ(service->preview, 64U << 10);
    EXPECT_EQ(service->connections, 1U);
    EXPECT_EQ(service->good_for, 1h);
    EXPECT_EQ(service_of("200 OK", "Methods: RESPMOD\r\nMax-Connections: 4000\r\n")->connections, 8U);
    EXPECT_EQ(service_of("200 OK", "Methods: RESPMOD\r\nOptions-TTL: 0\r\n")->good_for, 10s);
}

TEST(IcapService, that_scans_nothing_is_named) {
    EXPECT_NE(service_of("404 Service not found", "").error().detail.find("no service of that name"),
              std::string::npos);
    EXPECT_NE(service_of("200 OK", "Methods: REQMOD\r\n").error().detail.find("RESPMOD"), std::string::npos);
    EXPECT_NE(service_of("500 x", "").error().detail.find("500"), std::string::npos);
}

TEST(IcapAddress, is_a_url_of_a_service) {
    EXPECT_EQ(*parse_icap_address("icap://av.example/avscan"),
              (IcapAddress{"av.example", "1344", "av.example", "/avscan"}));
    EXPECT_EQ(*parse_icap_address("icap://[::1]:1345/srv?allow204=on&mode=simple"),
              (IcapAddress{"::1", "1345", "[::1]:1345", "/srv?allow204=on&mode=simple"}));
    for (const auto* bad :
         {"", "icap://", "icap://av", "icap://av/", "icaps://av/x", "http://av/x", "icap://:1344/x",
          "icap://av:0/x", "icap://av:x/x", "icap://av:/x", "icap://a b/x", "icap://av/x y", "icap://u@av/x",
          "icap://av/x#y", "icap://::1/x", "icap://[]/x", "icap://av/x\r\nA: b"})
        EXPECT_FALSE(parse_icap_address(bad)) << bad;
    EXPECT_FALSE(parse_icap_address("icap://av/" + std::string(600, 'x')));
}

}  // namespace
}  // namespace photogate::scanner

#include <gtest/gtest.h>

#include "notifier/callbacks/address_guard.hpp"

namespace photogate::notifier::callbacks {
namespace {

CallbackUrlPolicy policy() {
    return {.allowed_hosts = {"hooks.example.com", "*.shops.example", "ports.example:8443", "any.example:*",
                              "8.8.8.8", "[2606:4700:4700::1111]", "plain.example", "xn--bcher-kva.example",
                              "my_app_web_1"},
            .http_hosts = {"plain.example", "my_app_web_1"},
            .guard = {}};
}

std::string verdict(std::string_view url, const CallbackUrlPolicy& with = policy()) {
    const auto result = check_callback_url(url, with);
    return result ? "ok" : std::string{to_string(result.error().code)};
}

TEST(CallbackUrl, accepts_hosts_on_the_list) {
    for (const char* url :
         {"https://hooks.example.com", "https://hooks.example.com/",
          "https://hooks.example.com/a/b?x=1&y=%20", "HTTPS://HOOKS.example.COM/a",
          "https://hooks.example.com:443/a", "https://a.shops.example/", "https://a.b.shops.example/?",
          "https://ports.example:8443/h", "https://any.example:9/", "https://any.example/",
          "https://8.8.8.8/h", "https://[2606:4700:4700::1111]/h", "http://plain.example/h",
          "https://xn--bcher-kva.example/a;b=c:@!$&'()*+,~", "https://a_b.shops.example/",
          "https://_a_._b.shops.example/", "http://my_app_web_1/hook", "http://my_app_web_1:80/"}) {
        EXPECT_EQ(verdict(url), "ok") << url;
    }
}

TEST(CallbackUrl, rejects_hosts_off_the_list) {
    for (const char* url :
         {"https://evil.example/", "https://shops.example/", "https://evilshops.example/",
          "https://hooks.example.com.evil.net/", "https://hooks.example.com:8443/", "https://ports.example/",
          "https://ports.example:8444/", "https://9.9.9.9/", "http://plain.example:81/"}) {
        EXPECT_EQ(verdict(url), "callback_host_not_allowed") << url;
    }
    EXPECT_EQ(verdict("https://hooks.example.com/", {}), "callback_host_not_allowed");
}

TEST(CallbackUrl, rejects_anything_but_plain_https_url) {
    for (const std::string& url : {std::string{},
                                   std::string{"hooks.example.com"},
                                   std::string{"//hooks.example.com/"},
                                   std::string{"http://hooks.example.com/"},
                                   std::string{"file:///etc/passwd"},
                                   std::string{"ftp://hooks.example.com/"},
                                   std::string{"gopher://hooks.example.com/"},
                                   std::string{"https:///x"},
                                   std::string{"https://"},
                                   std::string{"https:/hooks.example.com"},
                                   std::string{"https:\\\\hooks.example.com"},
                                   std::string{"https://?x"},
                                   std::string{"https://user@hooks.example.com/"},
                                   std::string{"https://user:pw@hooks.example.com/"},
                                   std::string{"https://hooks.example.com@127.0.0.1/"},
                                   std::string{"https://hooks.example.com/#f"},
                                   std::string{"https://hooks.example.com#f"},
                                   std::string{"https://hooks.example.com:/"},
                                   std::string{"https://hooks.example.com:0/"},
                                   std::string{"https://hooks.example.com:65536/"},
                                   std::string{"https://hooks.example.com:0443/"},
                                   std::string{"https://hooks.example.com:+443/"},
                                   std::string{"https://hooks.example.com:44 3/"},
                                   std::string{"https://hooks.example.com\\@evil/"},
                                   std::string{" https://hooks.example.com/"},
                                   std::string{"https://hooks.example.com/ "},
                                   std::string{"https://hooks.example.com/\r\nX: y"},
                                   std::string{"https://hooks.example.com/\t"},
                                   std::string{"https://hooks.exa\0mple.com/", 27},
                                   std::string{"https://hooks.example.com/é"},
                                   std::string{"https://hooks.example.com/%"},
                                   std::string{"https://hooks.example.com/%2"},
                                   std::string{"https://hooks.example.com/%zz"},
                                   std::string{"https://hooks.example.com/<"},
                                   std::string{"https://hooks.example.com/\"x"},
                                   std::string{"https://hooks..example.com/"},
                                   std::string{"https://.hooks.example.com/"},
                                   std::string{"https://hooks.example.com./"},
                                   std::string{"https://-a.shops.example/"},
                                   std::string{"https://a-.shops.example/"},
                                   std::string{"https://bücher.example/"},
                                   std::string{"https://%68ooks.example.com/"},
                                   std::string{"https://1.2.3.4.5/"},
                                   std::string{"https://256.256.256.256/"},
                                   std::string{"https://8.8.8.08/"},
                                   std::string{"https://134744072/"},
                                   std::string{"https://0x08080808/"},
                                   std::string{"https://8.8.2056/"},
                                   std::string{"https://[::g]/"},
                                   std::string{"https://[2606:4700:4700::1111%25eth0]/"},
                                   std::string{"https://[2606:4700:4700::1111"},
                                   std::string{"https://2606:4700:4700::1111/"},
                                   "https://" + std::string(64, 'a') + ".shops.example/",
                                   "https://hooks.example.com/" + std::string(2'048, 'a')}) {
        EXPECT_EQ(verdict(url), "invalid_callback_url") << url;
    }
}

TEST(CallbackUrl, blocks_non_public_addresses_in_every_spelling) {
    for (const char* host : {"127.0.0.1",
                             "127.1",
                             "127.0.1",
                             "2130706433",
                             "0x7f000001",
                             "0X7F000001",
                             "0x7f.1",
                             "0177.0.0.1",
                             "0177.1",
                             "017700000001",
                             "127.0.0.1.",
                             "127.0x0.0.01",
                             "0",
                             "0x0",
                             "0.0.0.0",
                             "00.0.0.0",
                             "[::1]",
                             "[::]",
                             "[0:0:0:0:0:0:0:1]",
                             "[::ffff:127.0.0.1]",
                             "[::ffff:7f00:1]",
                             "[::127.0.0.1]",
                             "[64:ff9b::127.0.0.1]",
                             "[64:ff9b::a9fe:a9fe]",
                             "[64:ff9b::]",
                             "[64:ff9b:1::1]",
                             "[2002:7f00:1::]",
                             "[2002::]",
                             "[2001:0:7f00:1::]",
                             "[fe80::1]",
                             "[fe80::1%25eth0]",
                             "[fe80::1%eth0]",
                             "[fc00::1]",
                             "[fd00:ec2::254]",
                             "[ff02::1]",
                             "①②⑦.⓪.⓪.①",
                             "①②⑦。⓪。⓪。①",
                             "１２７.０.０.１",
                             "127．0．0．1",
                             "127｡0｡0｡1",
                             "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
                             "¹²⁷.⁰.⁰.¹",
                             "%31%32%37.0.0.1",
                             "%6c%6f%63%61lhost",
                             "127%2e0%2e0%2e1",
                             "localhost",
                             "LOCALHOST",
                             "localhost.",
                             "a.localhost",
                             "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
                             "ｌｏｃａｌｈｏｓｔ",
                             "local\xC2\xADhost",
                             "localhost.localdomain",
                             "ip6-localhost",
                             "169.254.169.254",
                             "2852039166",
                             "0xa9fea9fe",
                             "0251.0376.0251.0376",
                             "metadata",
                             "metadata.google.internal",
                             "Metadata.Google.Internal.",
                             "metadata.goog",
                             "instance-data",
                             "instance-data.ec2.internal",
                             "metadata.azure.internal",
                             "100.100.100.200",
                             "168.63.129.16",
                             "192.0.0.192",
                             "100.64.0.1",
                             "10.0.0.1",
                             "172.16.0.1",
                             "192.168.1.1",
                             "192.168.257",
                             "198.18.0.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "4294967295"}) {
        for (const char* behind : {"", "/hook", ":8443/hook"}) {
            const auto url = std::string{"https://"} + host + behind;
            EXPECT_EQ(verdict(url), "callback_address_blocked") << url;
        }
        EXPECT_EQ(verdict(std::string{"http://"} + host + "/"), "callback_address_blocked") << host;
    }
}

TEST(CallbackUrl, unblocks_address_by_guard_exception_but_not_by_list) {
    CallbackUrlPolicy local{.allowed_hosts = {"127.0.0.1:*", "localhost:*", "metadata"},
                            .http_hosts = {"127.0.0.1", "localhost"},
                            .guard = {}};
    EXPECT_EQ(verdict("http://127.0.0.1:8080/h", local), "callback_address_blocked");
    EXPECT_EQ(verdict("http://localhost:8080/h", local), "callback_address_blocked");
    local.guard = AddressGuard::make({"127.0.0.0/8"}).value();
    EXPECT_EQ(verdict("http://127.0.0.1:8080/h", local), "ok");
    EXPECT_EQ(verdict("http://localhost:8080/h", local), "ok");
    EXPECT_EQ(verdict("https://metadata/", local), "callback_address_blocked");
    EXPECT_EQ(verdict("http://127.1:8080/h", local), "invalid_callback_url") << "an odd spelling stays odd";
}

TEST(CallbackUrl, does_not_repeat_rejected_url) {
    const auto result = check_callback_url("https://user:s3cret@hooks.example.com/", policy());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().detail.find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace photogate::notifier::callbacks

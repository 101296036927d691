// photogate-imager PARENT-PID ADDRESS-SPACE [FONT…]: started by the gateway alone, with its socket as descriptor 0.
#include <cstdint>
#include <optional>
#include <string_view>

#include <unistd.h>

#include "base/ascii.hpp"
#include "imaging/channel.hpp"
#include "imaging/imager/serve.hpp"
#include "imaging/imager/start_up.hpp"
#include "imaging/imager_wire.hpp"
#include "imaging/jail/confine.hpp"

int main(int argc, char** argv) {
    using namespace photogate::imaging;
    namespace ascii = photogate::ascii;
    const auto parent = argc >= 3 ? ascii::parse_whole<std::uint64_t>(argv[1]) : std::nullopt;
    const auto address_space = argc >= 3 ? ascii::parse_whole<std::uint64_t>(argv[2]) : std::nullopt;
    if (!parent || !address_space) {
        constexpr std::string_view kWords = "photogate-imager is started only by photogate.\n";
        (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
        return 64;
    }
    Channel channel{photogate::Descriptor(STDIN_FILENO)};
    const auto jail = give_up_privileges()
                          .and_then([&] { return follow_parent(static_cast<pid_t>(*parent)); })
                          .and_then([&] {
                              return start_libraries({argv + 3, argv + argc});
                          })
                          .and_then([&] { return confine_process(*address_space); });
    if (!channel.send(write_hello(jail), {}, -1, std::nullopt) || !jail) ::_exit(1);
    serve(channel);
    // Nothing here needs saving, and libraries' farewells are code that a hostile picture may have prepared.
    ::_exit(0);
}

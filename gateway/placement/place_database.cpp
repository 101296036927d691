#include "gateway/placement/place_database.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <maxminddb.h>
#include <netinet/in.h>

namespace photogate::gateway::placement {
namespace {

std::string text_of(MMDB_entry_s entry, const char* const* path) {
    MMDB_entry_data_s found{};
    if (MMDB_aget_value(&entry, &found, path) != MMDB_SUCCESS || !found.has_data ||
        found.type != MMDB_DATA_TYPE_UTF8_STRING)
        return {};
    return {found.utf8_string, found.data_size};
}

/// What a look-up takes: an IPv4 address as such, since a database may know no others.
struct SocketAddress {
    explicit SocketAddress(const IpAddress& address) {
        if (address.is_v4()) {
            sockaddr_in v4{};
            v4.sin_family = AF_INET;
            std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
            std::memcpy(&storage, &v4, sizeof v4);
        } else {
            sockaddr_in6 v6{};
            v6.sin6_family = AF_INET6;
            std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
            std::memcpy(&storage, &v6, sizeof v6);
        }
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr_storage storage{};
};

}  // namespace

struct PlaceDatabase::Handle {
    MMDB_s database{};
    bool is_open = false;
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (is_open) MMDB_close(&database);
    }
};

Result<std::shared_ptr<const PlaceDatabase>> PlaceDatabase::open(const std::string& file) {
    auto handle = std::make_shared<Handle>();
    const int status = MMDB_open(file.c_str(), MMDB_MODE_MMAP, &handle->database);
    if (status != MMDB_SUCCESS)
        return fail(ErrorCode::file_error,
                    "'" + file + "' is no database in MaxMind's format that can be read: " +
                        (status == MMDB_IO_ERROR ? std::strerror(errno) : MMDB_strerror(status)));
    handle->is_open = true;
    return std::shared_ptr<const PlaceDatabase>{new PlaceDatabase(std::move(handle))};
}

std::optional<Place> PlaceDatabase::find(const IpAddress& address) const {
    const SocketAddress socket{address};
    int problem = MMDB_SUCCESS;
    auto found = MMDB_lookup_sockaddr(&handle_->database, socket.get(), &problem);
    if (problem != MMDB_SUCCESS || !found.found_entry) return std::nullopt;
    constexpr const char* kCountry[] = {"country", "iso_code", nullptr};
    constexpr const char* kContinent[] = {"continent", "code", nullptr};
    Place place{text_of(found.entry, kCountry), text_of(found.entry, kContinent)};
    if (place.country.empty() && place.continent.empty()) return std::nullopt;
    return place;
}

}  // namespace photogate::gateway::placement

// What an operator does with apps, profiles, keys and callback secrets at the command line.
//
// Thread safety: a value.
#pragma once

#include <optional>
#include <string>

#include "base/words.hpp"

namespace photogate::gateway::access {

struct AppCommand {
    enum class What {
        list,
        create,
        enable,
        disable,
        add_key,
        revoke_key,
        add_secret,
        revoke_secret,
        list_profiles,
        show_profile,
        set_profile,
        delete_profile,
        audit,
    } what = What::list;
    std::optional<AppName> app;  ///< nullopt: of `list` and `audit` alone
    std::optional<AppName> profiles_of;
    std::optional<std::string> callback_url;
    std::string id;  ///< of the key or secret to revoke
    std::optional<ProfileName> profile;
    std::string file;  ///< of the profile's settings; `-`: standard input
};

}  // namespace photogate::gateway::access

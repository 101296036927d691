#include "imaging/jail_report.hpp"

namespace photogate::imaging {

std::string describe(const JailReport& report) {
    std::string words;
    if (report.is_tight()) {
        words = "tight: no file, socket or program can be had (system calls filtered, ";
        words += report.landlock != 0 ? "Landlock " + std::to_string(report.landlock) : "no Landlock here";
        words += ")";
    } else {
        words = "not tight:";
        const char* separator = " ";
        const auto open = [&](Attempt attempt, const char* what) {
            if (attempt == Attempt::failed) return;
            words += separator;
            words += what;
            separator = ", ";
        };
        open(report.opening_files, "files can be opened");
        open(report.making_sockets, "sockets can be made");
        open(report.starting_programs, "programs can be started");
    }
    if (!report.missing.empty()) words += "; " + report.missing;
    return words;
}

}  // namespace photogate::imaging

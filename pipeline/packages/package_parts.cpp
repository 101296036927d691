#include "pipeline/packages/package_parts.hpp"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.hpp"
#include "pipeline/jobs/persist.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::pipeline::packages {
namespace {

namespace objects = storage::objects;

constexpr std::uint64_t kMostParts = 10'000;
constexpr ByteSize kMebibyte = 1U << 20;
/// Between two writes of the progress, which also learn whether the package is still wanted.
constexpr auto kProgressEvery = std::chrono::milliseconds{500};

/// A part of the archive, read as it is sent; what is sent again is read again.
class PartSource final : public storage::http::BodySource {
  public:
    PartSource(const ArchiveMeans& means, const model::Package& package, packager::Span span)
        : means_(means), package_(package), span_(span) {}

    std::uint64_t size() const override { return span_.to - span_.from; }
    std::optional<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
        if (!reader_ || offset != at_) {
            begun_at_ = offset;
            reader_ = open_archive(means_, package_, {span_.from + offset, span_.to});
            at_ = offset;
        }
        const auto got = reader_->read(out);
        if (!got) {
            error_ = got.error();
            entry_ = reader_->broken_entry();
            reader_.reset();
            return std::nullopt;
        }
        at_ += *got;
        return *got;
    }
    /// What it has of entries that it cuts; nullopt where it was not read from its beginning to its end.
    std::optional<std::vector<packager::EntryFragment>> fragments() const {
        if (!reader_ || begun_at_ != 0 || at_ != size()) return std::nullopt;
        return reader_->fragments();
    }
    /// Why the last read failed.
    const std::optional<Error>& error() const { return error_; }
    /// At which entry, where it was one.
    const std::optional<std::uint64_t>& entry() const { return entry_; }

  private:
    const ArchiveMeans& means_;
    const model::Package& package_;
    const packager::Span span_;
    mutable std::unique_ptr<packager::ArchiveReader> reader_;
    mutable std::uint64_t begun_at_ = 0;
    mutable std::uint64_t at_ = 0;
    mutable std::optional<Error> error_;
    mutable std::optional<std::uint64_t> entry_;
};

constexpr std::size_t kNumbersOfFragment = 5;

std::vector<std::int64_t> to_numbers(const std::vector<packager::EntryFragment>& fragments) {
    std::vector<std::int64_t> numbers;
    for (const auto& each : fragments) {
        numbers.push_back(static_cast<std::int64_t>(each.position));
        numbers.push_back(static_cast<std::int64_t>(each.length));
        numbers.push_back(each.crc32);
        numbers.push_back(each.ends ? 1 : 0);
        numbers.push_back(each.whole_crc32);
    }
    return numbers;
}

std::vector<packager::EntryFragment> to_fragments(const std::vector<std::int64_t>& numbers) {
    std::vector<packager::EntryFragment> fragments;
    for (std::size_t at = 0; at + kNumbersOfFragment <= numbers.size(); at += kNumbersOfFragment)
        fragments.push_back({static_cast<std::uint64_t>(numbers[at]),
                             static_cast<std::uint64_t>(numbers[at + 1]),
                             static_cast<std::uint32_t>(numbers[at + 2]), numbers[at + 3] != 0,
                             static_cast<std::uint32_t>(numbers[at + 4])});
    return fragments;
}

}  // namespace

/// What will not be otherwise if it is tried again: the pictures are not those that were laid out.
bool is_final(ErrorCode code) {
    switch (code) {
        case ErrorCode::store_precondition_failed:
        case ErrorCode::store_no_such_key:
        case ErrorCode::store_checksum_mismatch:
        case ErrorCode::size_mismatch:
            return true;
        default:
            return false;
    }
}

ByteSize part_size(ByteSize archive, ByteSize least) {
    const ByteSize needed = (archive + kMostParts - 1) / kMostParts;
    const ByteSize whole = (needed + kMebibyte - 1) / kMebibyte * kMebibyte;
    return std::max(least, whole);
}

PackageParts::PackageParts(Means means, const model::Lease& lease, const model::Package& package, Place place,
                           const StopSignal& stop)
    : means_(means),
      lease_(lease),
      package_(package),
      place_(place),
      stop_(stop),
      archive_{means.packages, means.stores, {}},
      part_size_(part_size(package.size, means.options.part_size)),
      until_(Steady::now() + means.options.turn) {}

void PackageParts::have(const std::vector<objects::UploadedPart>& parts,
                        const std::vector<storage::packages::PackageBuilds::Part>& known) {
    std::map<std::uint32_t, Fragments> noted;
    for (const auto& part : known)
        noted.emplace(part.number, to_fragments(part.fragments));
    for (const auto& part : parts) {
        const auto found = noted.find(part.number);
        if (found == noted.end() || part.number > count()) continue;
        const auto span = span_of(part.number);
        if (part.size == span.to - span.from) add(part, std::move(found->second));
    }
    unnoted_.clear();
    had_ = bytes_;
}

Result<std::vector<objects::UploadedPart>> PackageParts::send() {
    std::vector<std::jthread> threads;
    const auto missing = count() - done_.size();
    for (std::size_t i = 0; i < std::min<std::uint64_t>(means_.options.parts_at_once, missing); ++i)
        threads.emplace_back([this] { send_some(); });
    threads.clear();  // joined
    if (error_) return fail(*error_);
    if (done_.size() < count()) return fail(ErrorCode::unavailable, "its turn is over: others come first");
    if (auto checked = check_cut_entries(); !checked) return fail(std::move(checked.error()));
    std::vector<objects::UploadedPart> parts;
    for (auto& [number, part] : done_)
        parts.push_back(std::move(part));
    return parts;
}

std::uint32_t PackageParts::count() const {
    return static_cast<std::uint32_t>((package_.size + part_size_ - 1) / part_size_);
}

packager::Span PackageParts::span_of(std::uint32_t number) const {
    const std::uint64_t from = (number - 1) * part_size_;
    return {from, std::min<std::uint64_t>(from + part_size_, package_.size)};
}

void PackageParts::add(const objects::UploadedPart& part, Fragments fragments) {
    bytes_ += part.size;
    done_.emplace(part.number, part);
    fragments_.emplace(part.number, std::move(fragments));
    unnoted_.push_back(part.number);
}

Result<> PackageParts::check_cut_entries() {
    std::optional<packager::EntryFragment> open;
    for (const auto& [number, fragments] : fragments_) {
        for (const auto& next : fragments) {
            if (open && open->position == next.position) {
                open->crc32 = packager::joined_crc32(open->crc32, next.crc32, next.length);
                open->length += next.length;
                open->ends = next.ends;
            } else {
                open = next;
            }
            if (!open->ends || open->crc32 == open->whole_crc32) continue;
            const Error error{ErrorCode::store_checksum_mismatch,
                              fmt::format("the CRC-32 of entry {} is {:08x}, not {:08x} as it was laid out",
                                          open->position, open->crc32, open->whole_crc32),
                              {},
                              std::nullopt};
            end(error, open->position);
            return fail(error);
        }
    }
    return {};
}

PackageParts::Progress PackageParts::progress(model::PackageStep step) {
    Progress now{step, bytes_, rate(), place_.multipart, {}};
    for (const auto number : std::exchange(unnoted_, {}))
        now.parts.push_back({number, to_numbers(fragments_.at(number))});
    return now;
}

std::optional<std::uint32_t> PackageParts::next() {
    const std::lock_guard lock{mutex_};
    while (next_ <= count() && done_.contains(next_))
        ++next_;
    if (error_ || next_ > count() || Steady::now() > until_) return std::nullopt;
    return next_++;
}

void PackageParts::end(Error error, const std::optional<std::uint64_t>& entry) {
    const std::lock_guard lock{mutex_};
    if (entry && is_final(error.code))
        failed_.push_back(
            {static_cast<std::uint32_t>(*entry), std::nullopt, {}, std::string{to_string(error.code)}});
    if (!error_ || (is_final(error.code) && !is_final(error_->code))) error_ = std::move(error);
}

/// Bytes a second of this turn; until it has sent some, of the turn before.
ByteSize PackageParts::rate() const {
    const std::chrono::duration<double> took = Steady::now() - began_at_;
    if (bytes_ == had_ || took.count() <= 0) return package_.built_rate;
    return static_cast<ByteSize>(static_cast<double>(bytes_ - had_) / took.count());
}

void PackageParts::send_some() noexcept {
    try {
        while (const auto number = next()) {
            if (stop_.stopped()) return end({ErrorCode::unavailable, "the worker stops", {}, std::nullopt});
            const PartSource source{archive_, package_, span_of(*number)};
            const auto part = place_.store.objects->put_part(place_.object.bucket, place_.object.key,
                                                             place_.multipart, *number, source);
            if (!part) return end(source.error().value_or(part.error()), source.entry());
            failpoint::pass(failpoint::Point::after_package_part);
            auto fragments = source.fragments();
            if (!fragments)
                return end({ErrorCode::unavailable, "the part was not sent in one piece", {}, std::nullopt});
            if (auto kept = keep(*part, std::move(*fragments)); !kept) return end(kept.error());
        }
    } catch (const std::exception& problem) {
        end({ErrorCode::internal, problem.what(), {}, std::nullopt});
    }
}

Result<> PackageParts::keep(const objects::UploadedPart& part, Fragments fragments) {
    Progress now_at;
    {
        const std::lock_guard lock{mutex_};
        add(part, std::move(fragments));
        const auto now = Steady::now();
        if (now - told_at_ < kProgressEvery) return {};
        told_at_ = now;
        now_at = progress(model::PackageStep::copying);
    }
    const auto wanted =
        jobs::persist(stop_, [&] { return means_.builds.progress(lease_, package_.id, now_at); });
    if (!wanted) return fail(wanted.error());
    if (!*wanted) return fail(ErrorCode::gone, "the package is not wanted any more");
    return {};
}

}  // namespace photogate::pipeline::packages

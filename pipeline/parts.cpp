#include "pipeline/parts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failpoint.hpp"
#include "base/log.hpp"

namespace photogate::pipeline {
namespace {

using storage::objects::UploadedPart;

tl::unexpected<Error> invalid(std::string detail) {
    return fail(ErrorCode::invalid_parts, std::move(detail));
}

/// `1, 2, 5 and 7 more`
std::string some_of(const std::vector<std::uint32_t>& numbers) {
    constexpr std::size_t kNamed = 10;
    std::string text;
    for (std::size_t i = 0; i < std::min(numbers.size(), kNamed); ++i)
        text += (i > 0 ? ", " : "") + std::to_string(numbers[i]);
    if (numbers.size() > kNamed) text += fmt::format(" and {} more", numbers.size() - kNamed);
    return text;
}

/// Once each, in ascending order, and all of them.
Result<> check_named(const model::PartPlan& plan, const std::vector<NamedPart>& named) {
    for (std::size_t i = 0; i < named.size(); ++i) {
        if (named[i].number != i + 1)
            return invalid(
                fmt::format("'parts' names the parts 1 to {} in their order; here {} stands at place {}",
                            plan.count(), named[i].number, i + 1));
    }
    if (named.size() != plan.count())
        return invalid(fmt::format("the file has {} parts; 'parts' names {}", plan.count(), named.size()));
    return {};
}

/// The declared file's parts among those that the store has, in their order.
Result<std::vector<UploadedPart>> chosen(const model::PartPlan& plan, const std::vector<UploadedPart>& there,
                                         const std::optional<std::vector<NamedPart>>& named) {
    if (named) {
        if (auto sane = check_named(plan, *named); !sane) return fail(std::move(sane.error()));
    }
    std::vector<const UploadedPart*> by_number(plan.count() + 1, nullptr);
    for (const auto& part : there) {
        if (part.number >= 1 && part.number <= plan.count()) by_number[part.number] = &part;
    }
    std::vector<std::uint32_t> missing, unequal, others;
    std::vector<UploadedPart> parts;
    ByteSize sum = 0;
    for (std::uint32_t number = 1; number <= plan.count(); ++number) {
        const auto* part = by_number[number];
        if (!part) {
            missing.push_back(number);
            continue;
        }
        if (part->size != plan.size_of(number)) unequal.push_back(number);
        if (named && (*named)[number - 1].etag != part->etag) others.push_back(number);
        sum += part->size;
        parts.push_back(*part);
    }
    if (!missing.empty())
        return invalid(fmt::format("these of {} parts have not arrived: {}", plan.count(), some_of(missing)));
    if (!unequal.empty())
        return invalid(fmt::format("these parts have another size than was signed: {}", some_of(unequal)));
    if (!others.empty())
        return invalid(fmt::format("the store has another ETag of these parts: {}", some_of(others)));
    if (sum != plan.size)
        return invalid(fmt::format("the parts have {} bytes together, {} were declared", sum, plan.size));
    return parts;
}

/// Of a file whose client divides it: the parts that it names, which are all, from the first on.
Result<std::vector<UploadedPart>> chosen_of_open(const std::vector<UploadedPart>& there,
                                                 const std::optional<std::vector<NamedPart>>& named,
                                                 ByteSize most) {
    if (!named || named->empty())
        return invalid("'parts' names the parts that were sent: the file's size is not known otherwise");
    std::vector<UploadedPart> parts;
    ByteSize sum = 0;
    for (const auto& each : *named) {
        if (each.number != parts.size() + 1)
            return invalid(
                fmt::format("'parts' names the parts from 1 on in their order; here {} stands at place {}",
                            each.number, parts.size() + 1));
        const auto found = std::find_if(there.begin(), there.end(),
                                        [&](const UploadedPart& part) { return part.number == each.number; });
        if (found == there.end()) return invalid(fmt::format("part {} has not arrived", each.number));
        if (found->etag != each.etag)
            return invalid(fmt::format("the store has another ETag of part {}", each.number));
        sum += found->size;
        parts.push_back(*found);
    }
    if (sum > most)
        return fail(ErrorCode::size_over_limit,
                    fmt::format("the parts have {} bytes together, the profile's limit is {}", sum, most));
    return parts;
}

bool is_about_the_parts(ErrorCode code) {
    return code == ErrorCode::store_invalid_part || code == ErrorCode::store_invalid_part_order ||
           code == ErrorCode::store_part_too_small;
}

}  // namespace

model::PartPlan parts_of(const model::Upload& upload) {
    return {upload.declared_size.value_or(0), upload.part_size.value_or(model::kLeastPartSize)};
}

Result<const Store*> Parts::store_of(const model::Upload& upload) const {
    const Store* store = stores_.of(upload.region);
    if (!store) return fail(ErrorCode::unknown_region, "the upload's region is no longer configured");
    return store;
}

Result<std::string> Parts::begin(const model::Upload& upload) const {
    const auto store = store_of(upload);
    if (!store) return fail(store.error());
    auto recorded = uploads_.parts_of(upload.id);
    if (!recorded) return fail(std::move(recorded.error()));
    if (*recorded) return std::move(**recorded);
    if (auto expected = uploads_.expect_parts(upload.id); !expected) return fail(std::move(expected.error()));
    storage::objects::PutOptions options;
    if (upload.declared_type) options.content_type = *upload.declared_type;
    const auto begun = (*store)->objects->create_multipart(upload.bucket, upload.key, options);
    if (!begun) return fail(begun.error());
    if (auto reached = failpoint::reach(failpoint::Point::after_parts_begun); !reached)
        return fail(std::move(reached.error()));
    auto counts = uploads_.record_parts(upload.id, *begun);
    // Another call was first, or the upload has ended. Where this fails, or it is unknown what was recorded, the collector
    // finds it.
    if (counts ? *counts != *begun : counts.error().code == ErrorCode::state_conflict)
        (void)(*store)->objects->abort_multipart(upload.bucket, upload.key, *begun);
    return counts;
}

Result<std::vector<UploadedPart>> Parts::list(const model::Upload& upload) const {
    const auto store = store_of(upload);
    if (!store) return fail(store.error());
    const auto id = uploads_.parts_of(upload.id);
    if (!id) return fail(id.error());
    if (!*id) return std::vector<UploadedPart>{};
    auto there = (*store)->objects->list_parts(upload.bucket, upload.key, **id);
    if (there || there.error().code != ErrorCode::store_no_such_upload) return there;
    // What is signed next is of another one.
    if (auto forgotten = uploads_.forget_parts(upload.id, **id); !forgotten)
        return fail(std::move(forgotten.error()));
    return std::vector<UploadedPart>{};
}

Result<Parts::Joined> Parts::join(const model::Upload& upload,
                                  const std::optional<std::vector<NamedPart>>& named, Existing existing,
                                  ByteSize most) const {
    const auto store = store_of(upload);
    if (!store) return fail(store.error());
    auto& objects = *(*store)->objects;
    const auto id = uploads_.parts_of(upload.id);
    if (!id) return fail(id.error());
    if (!*id) return Joined::never;
    const auto there = objects.list_parts(upload.bucket, upload.key, **id);
    if (!there && there.error().code == ErrorCode::store_no_such_upload) return Joined::gone;
    if (!there) return fail(there.error());
    const auto plan = parts_of(upload);
    const auto parts = plan.is_open() ? chosen_of_open(*there, named, most) : chosen(plan, *there, named);
    if (!parts) return fail(parts.error());
    storage::objects::CompleteOptions options;
    options.only_if_absent = existing == Existing::refuse;
    auto made = objects.complete_multipart(upload.bucket, upload.key, **id, *parts, options);
    // A store that has no conditions here refuses them. Nobody else writes the key of an upload that is sent in parts.
    if (!made && options.only_if_absent && made.error().code == ErrorCode::store_refused)
        made = objects.complete_multipart(upload.bucket, upload.key, **id, *parts, {});
    if (auto reached = failpoint::reach(failpoint::Point::after_parts_completed); !reached)
        return fail(std::move(reached.error()));
    if (made) return Joined::now;
    const auto code = made.error().code;
    if (code == ErrorCode::store_no_such_upload || code == ErrorCode::store_precondition_failed)
        return Joined::gone;
    if (is_about_the_parts(code))
        return invalid("a part changed while the parts were joined: list them, and complete again");
    return fail(std::move(made.error()));
}

Result<> Parts::abort(const model::Upload& upload) const {
    const auto store = store_of(upload);
    if (!store) return fail(store.error());
    const auto id = uploads_.parts_of(upload.id);
    if (!id) return fail(id.error());
    if (!*id) return {};
    const auto aborted = (*store)->objects->abort_multipart(upload.bucket, upload.key, **id);
    if (!aborted && aborted.error().code != ErrorCode::store_no_such_upload) return fail(aborted.error());
    return uploads_.forget_parts(upload.id, **id);
}

Result<> Parts::forget(const model::Upload& upload) const {
    const auto id = uploads_.parts_of(upload.id);
    if (!id) return fail(id.error());
    if (!*id) return {};
    return uploads_.forget_parts(upload.id, **id);
}

}  // namespace photogate::pipeline

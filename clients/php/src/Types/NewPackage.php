<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * Either `items` or `select`.
 */
final class NewPackage implements \JsonSerializable
{
    /**
     * @param string|null $name Of the file; `.zip` is added where it lacks.
     * @param list<string|NewPackageItem>|null $items In this order.
     * @param NewPackageSelect|null $select All published uploads that are so, oldest first, as of now.
     * @param string|null $path Where items without a `name` go: `{filename}`, `{id}`, `{profile}`, `{number:4}`,
     * `{metadata.NAME}`, `{album}`, `{taken_at:%Y-%m-%d}`, `{created_at:%Y}`. Without it, by their file names.
     * @param 'image'|'original'|null $content `image`: the published one. `original`: the file as it was sent, with all
     * that is in it, where the profile keeps it.
     * @param string|null $variant A variant of the profile, in place of `content`. Those that are not there are made
     * first.
     * @param NewPackageImage|null $image In place of `content`: a version with these parameters, as a URL of the image
     * has them, with sizes and qualities rounded as there. Those that are not there are made first. `{}` is the
     * published image, with the watermark of its profile.
     * @param 'csv'|'json'|null $manifest A list of the items, as the last file of the zip.
     * @param 'stream'|'store'|null $mode `stream`: the link works at once, and nothing is stored. `store`: built into
     * the store as an object; the link works from `ready` on.
     * @param 'fail'|'skip'|'list'|null $onMissing Items that can't be had: `fail`: there is no package. `skip`: they
     * are left out. `list`: they are left out, and named.
     * @param int|null $expiresIn Seconds; at most `packages.max_expiry`.
     * @param array<string, string>|null $metadata Returned in every response.
     */
    public function __construct(
        public readonly ?string $name = null,
        public readonly ?array $items = null,
        public readonly ?NewPackageSelect $select = null,
        public readonly ?string $path = null,
        public readonly ?string $content = null,
        public readonly ?string $variant = null,
        public readonly ?NewPackageImage $image = null,
        public readonly ?string $manifest = null,
        public readonly ?string $mode = null,
        public readonly ?string $onMissing = null,
        public readonly ?int $expiresIn = null,
        public readonly ?array $metadata = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'name' => $this->name,
            'items' => $this->items,
            'select' => $this->select,
            'path' => $this->path,
            'content' => $this->content,
            'variant' => $this->variant,
            'image' => $this->image,
            'manifest' => $this->manifest,
            'mode' => $this->mode,
            'on_missing' => $this->onMissing,
            'expires_in' => $this->expiresIn,
            'metadata' => $this->metadata === [] ? new \stdClass() : $this->metadata,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

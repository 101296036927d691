<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Package
{
    /**
     * @param string $id
     * @param string $state
     * @param string $name Of the file that is downloaded.
     * @param 'stream'|'store' $mode
     * @param 'fail'|'skip'|'list' $onMissing
     * @param int $items Files in the zip.
     * @param int $missing What was asked for and is not in it.
     * @param int $size Bytes of the zip, exactly; 0 while it is `preparing`.
     * @param PackageProgress|null $progress Of a stored package; null of others.
     * @param string|null $etag As the download has it.
     * @param string|null $url Where to download it until it expires; null where that is not possible, and for an
     * operator's key.
     * @param string|null $storeUrl Of a stored package that is ready: a presigned GET of the store, which passes no
     * gateway; null elsewhere, and where `packages.store_links` is off. It works until `store_url_expires_at`, or until
     * the zip is removed from the store.
     * @param string|null $storeUrlExpiresAt As `expires_at`, but 7 days at most. Ask again for a later one.
     * @param string|null $failure An error code, or `version_not_made`.
     * @param array<string, string> $metadata
     * @param string $createdAt
     * @param string $expiresAt
     * @param PackageLinks $links
     * @param string|null $app For an operator's key.
     * @param int|null $prepared While it is `preparing`: of `items`, those for which nothing has to be made any more.
     * @param list<PackageMissingItem>|null $missingItems Under `on_missing: list`, and of a package that failed with
     * them; the first 200; not in lists.
     * @param list<PackageFailedItem>|null $failedItems Of a stored package that failed: the entries that could not be
     * read, the first 100; not in lists.
     * @param int|null $builtBytes Of a stored package: how many of them are in the store.
     */
    public function __construct(
        public readonly string $id,
        public readonly string $state,
        public readonly string $name,
        public readonly string $mode,
        public readonly string $onMissing,
        public readonly int $items,
        public readonly int $missing,
        public readonly int $size,
        public readonly ?PackageProgress $progress,
        public readonly ?string $etag,
        public readonly ?string $url,
        public readonly ?string $storeUrl,
        public readonly ?string $storeUrlExpiresAt,
        public readonly ?string $failure,
        public readonly array $metadata,
        public readonly string $createdAt,
        public readonly string $expiresAt,
        public readonly PackageLinks $links,
        public readonly ?string $app = null,
        public readonly ?int $prepared = null,
        public readonly ?array $missingItems = null,
        public readonly ?array $failedItems = null,
        public readonly ?int $builtBytes = null,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            id: $data['id'],
            state: $data['state'],
            name: $data['name'],
            mode: $data['mode'],
            onMissing: $data['on_missing'],
            items: $data['items'],
            missing: $data['missing'],
            size: $data['size'],
            progress: isset($data['progress']) ? PackageProgress::fromArray($data['progress']) : null,
            etag: $data['etag'] ?? null,
            url: $data['url'] ?? null,
            storeUrl: $data['store_url'] ?? null,
            storeUrlExpiresAt: $data['store_url_expires_at'] ?? null,
            failure: $data['failure'] ?? null,
            metadata: $data['metadata'],
            createdAt: $data['created_at'],
            expiresAt: $data['expires_at'],
            links: PackageLinks::fromArray($data['links']),
            app: $data['app'] ?? null,
            prepared: $data['prepared'] ?? null,
            missingItems: isset($data['missing_items']) ? array_map(PackageMissingItem::fromArray(...), $data['missing_items']) : null,
            failedItems: isset($data['failed_items']) ? array_map(PackageFailedItem::fromArray(...), $data['failed_items']) : null,
            builtBytes: $data['built_bytes'] ?? null,
        );
    }
}

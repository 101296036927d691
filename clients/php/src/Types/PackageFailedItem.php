<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PackageFailedItem
{
    /**
     * @param int $item Its place in the zip, from 0.
     * @param string|null $upload null: made for the package.
     * @param string $name In the zip; empty where its upload was deleted since.
     * @param string $code `store_no_such_key`, `store_precondition_failed`, `store_checksum_mismatch`, `size_mismatch`
     */
    public function __construct(
        public readonly int $item,
        public readonly ?string $upload,
        public readonly string $name,
        public readonly string $code,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            item: $data['item'],
            upload: $data['upload'] ?? null,
            name: $data['name'],
            code: $data['code'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PackageMissingItem
{
    /**
     * @param int $item Its place in the request, from 0.
     * @param string|null $upload null: the app has no such upload.
     * @param string $name
     * @param string $code `upload_not_found`, `not_published`, `gone`, `checksum_unknown`, `version_not_made`,
     * `variant_not_found`, `watermark_not_found`, `format_not_offered`, `unknown_profile`, `object_not_found`
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

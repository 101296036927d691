<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class UploadRejection
{
    /**
     * @param string $code
     * @param string $detail
     */
    public function __construct(
        public readonly string $code,
        public readonly string $detail,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            code: $data['code'],
            detail: $data['detail'],
        );
    }
}

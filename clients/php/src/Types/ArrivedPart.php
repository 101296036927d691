<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class ArrivedPart
{
    /**
     * @param int $number
     * @param int $size
     * @param string $etag
     */
    public function __construct(
        public readonly int $number,
        public readonly int $size,
        public readonly string $etag,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            number: $data['number'],
            size: $data['size'],
            etag: $data['etag'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Variant
{
    /**
     * @param string $name
     * @param string $url
     * @param int $width
     * @param int $height
     * @param string $format
     * @param int $size
     */
    public function __construct(
        public readonly string $name,
        public readonly string $url,
        public readonly int $width,
        public readonly int $height,
        public readonly string $format,
        public readonly int $size,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            name: $data['name'],
            url: $data['url'],
            width: $data['width'],
            height: $data['height'],
            format: $data['format'],
            size: $data['size'],
        );
    }
}

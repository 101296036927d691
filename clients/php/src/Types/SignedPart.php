<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * A PUT of exactly `size` bytes: the file's bytes from `(number - 1) * part_size` on.
 */
final class SignedPart
{
    /**
     * @param int $number
     * @param int $size
     * @param 'PUT' $method
     * @param string $url
     * @param array<string, string> $headers
     */
    public function __construct(
        public readonly int $number,
        public readonly int $size,
        public readonly string $method,
        public readonly string $url,
        public readonly array $headers,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            number: $data['number'],
            size: $data['size'],
            method: $data['method'],
            url: $data['url'],
            headers: $data['headers'],
        );
    }
}

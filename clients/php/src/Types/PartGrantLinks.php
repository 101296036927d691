<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PartGrantLinks
{
    /**
     * @param string $sign
     * @param string $parts
     * @param string $complete
     */
    public function __construct(
        public readonly string $sign,
        public readonly string $parts,
        public readonly string $complete,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            sign: $data['sign'],
            parts: $data['parts'],
            complete: $data['complete'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class SignedParts
{
    /**
     * @param list<SignedPart> $data
     * @param string $expiresAt
     */
    public function __construct(
        public readonly array $data,
        public readonly string $expiresAt,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            data: array_map(SignedPart::fromArray(...), $data['data']),
            expiresAt: $data['expires_at'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PackageUrl
{
    /**
     * @param string $url
     * @param string $expiresAt
     */
    public function __construct(
        public readonly string $url,
        public readonly string $expiresAt,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            url: $data['url'],
            expiresAt: $data['expires_at'],
        );
    }
}

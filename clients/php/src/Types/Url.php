<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Url
{
    /**
     * @param string $url
     * @param 'version'|'image'|null $scope What the signature is for; null: the URL is not signed.
     * @param string|null $expiresAt
     */
    public function __construct(
        public readonly string $url,
        public readonly ?string $scope,
        public readonly ?string $expiresAt,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            url: $data['url'],
            scope: $data['scope'] ?? null,
            expiresAt: $data['expires_at'] ?? null,
        );
    }
}

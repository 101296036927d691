<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Token
{
    /**
     * @param string $token
     * @param string $id
     * @param string $profile
     * @param int $maxUploads
     * @param int|null $maxBytes
     * @param string $expiresAt
     * @param array<string, string> $metadata
     * @param TokenLinks $links
     */
    public function __construct(
        public readonly string $token,
        public readonly string $id,
        public readonly string $profile,
        public readonly int $maxUploads,
        public readonly ?int $maxBytes,
        public readonly string $expiresAt,
        public readonly array $metadata,
        public readonly TokenLinks $links,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            token: $data['token'],
            id: $data['id'],
            profile: $data['profile'],
            maxUploads: $data['max_uploads'],
            maxBytes: $data['max_bytes'] ?? null,
            expiresAt: $data['expires_at'],
            metadata: $data['metadata'],
            links: TokenLinks::fromArray($data['links']),
        );
    }
}

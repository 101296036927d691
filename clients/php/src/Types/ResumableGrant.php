<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * Another way to send the same file: through the gateway, which keeps what has arrived, so that a client continues
 * after a cut (docs/resumable.md). Absent of an upload that is sent in parts.
 */
final class ResumableGrant
{
    /**
     * @param string $url Speaks tus 1.0.0 and the IETF draft "Resumable Uploads for HTTP", and takes a plain PUT; a
     * path alone where the gateway has no public URL. It needs no credentials beside it.
     * @param list<'tus'|'rufh'> $protocols
     * @param string $expiresAt
     */
    public function __construct(
        public readonly string $url,
        public readonly array $protocols,
        public readonly string $expiresAt,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            url: $data['url'],
            protocols: $data['protocols'],
            expiresAt: $data['expires_at'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class TokenLinks
{
    /**
     * @param string $uploads
     * @param string $page
     */
    public function __construct(
        public readonly string $uploads,
        public readonly string $page,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            uploads: $data['uploads'],
            page: $data['page'],
        );
    }
}

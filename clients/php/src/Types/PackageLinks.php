<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PackageLinks
{
    /**
     * @param string $self
     */
    public function __construct(
        public readonly string $self,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            self: $data['self'],
        );
    }
}

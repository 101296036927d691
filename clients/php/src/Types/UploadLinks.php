<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class UploadLinks
{
    /**
     * @param string $self
     * @param string $image
     */
    public function __construct(
        public readonly string $self,
        public readonly string $image,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            self: $data['self'],
            image: $data['image'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PackagePage
{
    /**
     * @param list<Package> $data
     * @param string|null $next
     */
    public function __construct(
        public readonly array $data,
        public readonly ?string $next,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            data: array_map(Package::fromArray(...), $data['data']),
            next: $data['next'] ?? null,
        );
    }
}

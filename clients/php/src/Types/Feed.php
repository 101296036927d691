<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class Feed
{
    /**
     * @param list<Event> $data
     * @param string $next The `after` of the next call, even if `data` is empty.
     * @param bool $more More events are available immediately.
     */
    public function __construct(
        public readonly array $data,
        public readonly string $next,
        public readonly bool $more,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            data: array_map(Event::fromArray(...), $data['data']),
            next: $data['next'],
            more: $data['more'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * The body of a callback.
 */
final class Event
{
    /**
     * @param string $type
     * @param string $id The callback's `webhook-id`.
     * @param string $timestamp
     * @param array<string, mixed>|null $data The upload at that time; null once it was deleted.
     */
    public function __construct(
        public readonly string $type,
        public readonly string $id,
        public readonly string $timestamp,
        public readonly ?array $data,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            type: $data['type'],
            id: $data['id'],
            timestamp: $data['timestamp'],
            data: $data['data'] ?? null,
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * Of a stored package; null of others.
 */
final class PackageProgress
{
    /**
     * @param 'waiting'|'copying'|'completing'|null $step What is being done; null where nothing more is.
     * @param int $items Of `items`, how many are in the store.
     * @param int $bytes Of `size`.
     * @param int $bytesPerSecond Of the turn under way, or of the last.
     * @param int|null $secondsLeft At that rate; null where it is not known.
     */
    public function __construct(
        public readonly ?string $step,
        public readonly int $items,
        public readonly int $bytes,
        public readonly int $bytesPerSecond,
        public readonly ?int $secondsLeft,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            step: $data['step'] ?? null,
            items: $data['items'],
            bytes: $data['bytes'],
            bytesPerSecond: $data['bytes_per_second'],
            secondsLeft: $data['seconds_left'] ?? null,
        );
    }
}

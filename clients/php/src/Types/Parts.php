<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * What has arrived, as the store lists it.
 */
final class Parts
{
    /**
     * @param int $partSize
     * @param int $count
     * @param int $size Bytes of the file.
     * @param list<ArrivedPart> $data
     * @param int $received Bytes.
     * @param list<int> $missing Numbers to sign and send; the first 1,000.
     */
    public function __construct(
        public readonly int $partSize,
        public readonly int $count,
        public readonly int $size,
        public readonly array $data,
        public readonly int $received,
        public readonly array $missing,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            partSize: $data['part_size'],
            count: $data['count'],
            size: $data['size'],
            data: array_map(ArrivedPart::fromArray(...), $data['data']),
            received: $data['received'],
            missing: $data['missing'],
        );
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * How the file is divided, and URLs for its first parts; `links.sign` signs the others. `data` is empty where the store
 * could not be asked, in a batch, and in the answer of `/sign`.
 */
final class PartGrant
{
    /**
     * @param int $partSize Bytes of each part but the last.
     * @param int $count
     * @param list<SignedPart> $data
     * @param PartGrantLinks $links
     */
    public function __construct(
        public readonly int $partSize,
        public readonly int $count,
        public readonly array $data,
        public readonly PartGrantLinks $links,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            partSize: $data['part_size'],
            count: $data['count'],
            data: array_map(SignedPart::fromArray(...), $data['data']),
            links: PartGrantLinks::fromArray($data['links']),
        );
    }
}

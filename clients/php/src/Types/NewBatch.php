<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewBatch implements \JsonSerializable
{
    /**
     * @param list<NewUpload> $uploads
     */
    public function __construct(
        public readonly array $uploads,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'uploads' => $this->uploads,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewToken implements \JsonSerializable
{
    /**
     * @param string|null $profile
     * @param int|null $maxUploads
     * @param int|null $maxBytes Limit for the sum of declared sizes; every upload must then declare `size`.
     * @param int|null $expiresIn
     * @param array<string, string>|null $metadata Metadata of every upload created with the token; at most 1 KiB. The
     * bearer can read it.
     */
    public function __construct(
        public readonly ?string $profile = null,
        public readonly ?int $maxUploads = null,
        public readonly ?int $maxBytes = null,
        public readonly ?int $expiresIn = null,
        public readonly ?array $metadata = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'profile' => $this->profile,
            'max_uploads' => $this->maxUploads,
            'max_bytes' => $this->maxBytes,
            'expires_in' => $this->expiresIn,
            'metadata' => $this->metadata === [] ? new \stdClass() : $this->metadata,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

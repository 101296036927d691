<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewUploadChecksum implements \JsonSerializable
{
    /**
     * @param 'sha256' $algorithm
     * @param string $value Base64 or hex.
     */
    public function __construct(
        public readonly string $algorithm,
        public readonly string $value,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'algorithm' => $this->algorithm,
            'value' => $this->value,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class PartsToSign implements \JsonSerializable
{
    /**
     * @param list<int> $numbers
     * @param array<string, string>|null $checksums By number, as text: the SHA-256 of the part, base64 or hex. The
     * store refuses other bytes.
     * @param int|null $expiresIn Seconds.
     */
    public function __construct(
        public readonly array $numbers,
        public readonly ?array $checksums = null,
        public readonly ?int $expiresIn = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'numbers' => $this->numbers,
            'checksums' => $this->checksums === [] ? new \stdClass() : $this->checksums,
            'expires_in' => $this->expiresIn,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewPackageUrl implements \JsonSerializable
{
    /**
     * @param int|null $expiresIn Seconds; the link ends with the package at the latest.
     */
    public function __construct(
        public readonly ?int $expiresIn = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'expires_in' => $this->expiresIn,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

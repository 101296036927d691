<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * All published uploads that are so, oldest first, as of now.
 */
final class NewPackageSelect implements \JsonSerializable
{
    /**
     * @param string|null $profile
     * @param array<string, string>|null $metadata
     * @param string|null $createdAfter
     * @param string|null $createdBefore
     */
    public function __construct(
        public readonly ?string $profile = null,
        public readonly ?array $metadata = null,
        public readonly ?string $createdAfter = null,
        public readonly ?string $createdBefore = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'profile' => $this->profile,
            'metadata' => $this->metadata === [] ? new \stdClass() : $this->metadata,
            'created_after' => $this->createdAfter,
            'created_before' => $this->createdBefore,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

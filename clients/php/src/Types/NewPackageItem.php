<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewPackageItem implements \JsonSerializable
{
    /**
     * @param string $upload
     * @param string|null $name In the zip, with folders; made safe and unique.
     */
    public function __construct(
        public readonly string $upload,
        public readonly ?string $name = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'upload' => $this->upload,
            'name' => $this->name,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

final class NewUrl implements \JsonSerializable
{
    /**
     * @param int|null $width CSS pixels.
     * @param int|null $height As `width`.
     * @param float|null $dpr Pixels for each CSS pixel.
     * @param 'inside'|'cover'|'fill'|null $fit
     * @param string|null $gravity What `cover` keeps: `center`, `north`, `northeast`, …, `attention`, `entropy`.
     * @param 'origin'|'auto'|'jpeg'|'png'|'webp'|'avif'|'gif'|null $format
     * @param int|null $quality
     * @param string|null $variant One of the profile's variants; alone.
     * @param 'version'|'image'|null $scope `version`: the URL is for exactly this version, in any size. `image`: its
     * signature is for the image and all versions that its profile offers. Without it: `version` where the profile is
     * private, `image` for a client token; not signed where the profile is public.
     * @param int|null $expiresIn Seconds; of a client token at most as long as it lives.
     */
    public function __construct(
        public readonly ?int $width = null,
        public readonly ?int $height = null,
        public readonly ?float $dpr = null,
        public readonly ?string $fit = null,
        public readonly ?string $gravity = null,
        public readonly ?string $format = null,
        public readonly ?int $quality = null,
        public readonly ?string $variant = null,
        public readonly ?string $scope = null,
        public readonly ?int $expiresIn = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'width' => $this->width,
            'height' => $this->height,
            'dpr' => $this->dpr,
            'fit' => $this->fit,
            'gravity' => $this->gravity,
            'format' => $this->format,
            'quality' => $this->quality,
            'variant' => $this->variant,
            'scope' => $this->scope,
            'expires_in' => $this->expiresIn,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

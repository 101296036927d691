<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * In place of `content`: a version with these parameters, as a URL of the image has them, with sizes and qualities
 * rounded as there. Those that are not there are made first. `{}` is the published image, with the watermark of its
 * profile.
 */
final class NewPackageImage implements \JsonSerializable
{
    /**
     * @param int|null $width Pixels.
     * @param int|null $height Pixels.
     * @param string|null $fit `inside`, `cover` or `fill`.
     * @param string|null $gravity What is kept where something is cut off: `center`, `north`, …, `attention`,
     * `entropy`.
     * @param string|null $format `jpeg`, `png`, `webp`, `avif`, or `origin` (the default): the published image's.
     * @param int|null $quality
     * @param bool|string|null $watermark A picture whose profile has no such watermark can't be had
     * (`watermark_not_found`). Without it the files carry one where their profile has one.
     */
    public function __construct(
        public readonly ?int $width = null,
        public readonly ?int $height = null,
        public readonly ?string $fit = null,
        public readonly ?string $gravity = null,
        public readonly ?string $format = null,
        public readonly ?int $quality = null,
        public readonly bool|string|null $watermark = null,
    ) {
    }

    /** What is null is left out. @return array<string, mixed>|\stdClass */
    public function jsonSerialize(): array|\stdClass
    {
        $members = array_filter([
            'width' => $this->width,
            'height' => $this->height,
            'fit' => $this->fit,
            'gravity' => $this->gravity,
            'format' => $this->format,
            'quality' => $this->quality,
            'watermark' => $this->watermark,
        ], static fn (mixed $value): bool => $value !== null);

        return $members === [] ? new \stdClass() : $members;
    }
}

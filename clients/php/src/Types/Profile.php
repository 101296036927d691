<?php

// Written by scripts/render-client-types from web/openapi.json.

declare(strict_types=1);

namespace Photogate\Types;

/**
 * What the gateway accepts in this profile.
 */
final class Profile
{
    /**
     * @param string $profile
     * @param int $maxSize Bytes of one file.
     * @param list<string> $contentTypes Media types of the accepted formats.
     * @param list<'put'|'post'|'multipart'> $methods
     * @param int $maxPixels Of one frame. A picture that costs too much memory or time for its format is rejected below
     * this too.
     * @param int $maxSide Pixels of the longer side.
     * @param int $maxFrames Frames of an animation, or pages.
     * @param int $maxTotalPixels Over all frames.
     * @param int $defaultExpiresIn Seconds.
     * @param int $maxExpiresIn Seconds.
     * @param list<int> $versionSizes Pixels that the sizes of versions are rounded up to, ascending.
     * @param list<string> $versionFormats Formats of versions that may be asked for, beside the image's own.
     * @param bool $private Whether its images are seen with a signed link or a cookie alone.
     */
    public function __construct(
        public readonly string $profile,
        public readonly int $maxSize,
        public readonly array $contentTypes,
        public readonly array $methods,
        public readonly int $maxPixels,
        public readonly int $maxSide,
        public readonly int $maxFrames,
        public readonly int $maxTotalPixels,
        public readonly int $defaultExpiresIn,
        public readonly int $maxExpiresIn,
        public readonly array $versionSizes,
        public readonly array $versionFormats,
        public readonly bool $private,
    ) {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(
            profile: $data['profile'],
            maxSize: $data['max_size'],
            contentTypes: $data['content_types'],
            methods: $data['methods'],
            maxPixels: $data['max_pixels'],
            maxSide: $data['max_side'],
            maxFrames: $data['max_frames'],
            maxTotalPixels: $data['max_total_pixels'],
            defaultExpiresIn: $data['default_expires_in'],
            maxExpiresIn: $data['max_expires_in'],
            versionSizes: $data['version_sizes'],
            versionFormats: $data['version_formats'],
            private: $data['private'],
        );
    }
}

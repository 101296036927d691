<?php

declare(strict_types=1);

namespace Photogate;

/** A file of known size that can be read from any place. */
final class File
{
    private const TYPES = ['jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg', 'png' => 'image/png', 'webp' => 'image/webp', 'gif' => 'image/gif',
        'avif' => 'image/avif', 'heic' => 'image/heic', 'heif' => 'image/heif', 'tif' => 'image/tiff', 'tiff' => 'image/tiff'];

    /** @param resource $stream */
    private function __construct(private $stream, public readonly int $size, public readonly ?string $name, public readonly ?string $contentType)
    {
    }

    public static function fromPath(string $path): self
    {
        $stream = @fopen($path, 'rb');
        if ($stream === false) {
            throw new \InvalidArgumentException("$path can't be read");
        }

        return self::fromStream($stream, basename($path));
    }

    public static function fromString(string $bytes, ?string $name = null): self
    {
        $stream = fopen('php://memory', 'w+b');
        assert($stream !== false);
        fwrite($stream, $bytes);

        return self::fromStream($stream, $name);
    }

    /** @param resource $stream that can seek */
    public static function fromStream($stream, ?string $name = null): self
    {
        $size = fstat($stream)['size'] ?? -1;
        if ($size < 0 || fseek($stream, 0) !== 0) {
            throw new \InvalidArgumentException('the stream has no size, or cannot seek');
        }

        return new self($stream, $size, $name, self::TYPES[strtolower(pathinfo($name ?? '', PATHINFO_EXTENSION))] ?? null);
    }

    /** Fewer bytes than asked for only at the end of the file. */
    public function read(int $start, int $length): string
    {
        fseek($this->stream, $start);

        return $length > 0 ? (string) stream_get_contents($this->stream, $length) : '';
    }
}

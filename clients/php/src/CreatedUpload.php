<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Types\Grant;
use Photogate\Types\Upload;

/** An upload whose file is to be sent. `$grant` is null where `dedupe` found the picture published already. */
final class CreatedUpload
{
    public function __construct(public readonly Upload $upload, public readonly ?Grant $grant)
    {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        return new self(Upload::fromArray($data), isset($data['upload']) ? Grant::fromArray($data['upload']) : null);
    }
}

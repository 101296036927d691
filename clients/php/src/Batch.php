<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Types\Problem;

/** An item for each of the request, by its place in it: an upload, or why there is none. */
final class Batch
{
    /** @param list<CreatedUpload|Problem> $data */
    public function __construct(public readonly array $data, public readonly int $created, public readonly int $refused)
    {
    }

    /** @param array<string, mixed> $data */
    public static function fromArray(array $data): self
    {
        $item = static fn (array $each): CreatedUpload|Problem => isset($each['code']) ? Problem::fromArray($each) : CreatedUpload::fromArray($each);

        return new self(array_map($item, $data['data']), $data['created'], $data['refused']);
    }
}

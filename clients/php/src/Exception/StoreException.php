<?php

declare(strict_types=1);

namespace Photogate\Exception;

/** Where the file was sent to, it was refused: by the object store, or by the gateway's resumable URL. */
final class StoreException extends PhotogateException
{
    public readonly string $body;

    /** The store's code, null where it has none. */
    public readonly ?string $storeCode;

    public function __construct(public readonly int $status, string $body)
    {
        $this->body = substr($body, 0, 4096);
        $found = preg_match('~<Code>([^<]*)</Code>|"code"\s*:\s*"([^"]*)"~', $this->body, $matches) === 1;
        $this->storeCode = $found ? ($matches[2] ?? $matches[1]) : null;
        parent::__construct(trim("the store answered $status {$this->storeCode}"));
    }
}

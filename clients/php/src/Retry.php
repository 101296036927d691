<?php

declare(strict_types=1);

namespace Photogate;

/**
 * How often and how long: the nth pause is half to all of `$base * 2 ** n` seconds, at most `$most`.
 * A longer pause that the server asks for by Retry-After is kept, up to `$mostRetryAfter`; beyond it the exception is thrown at once.
 */
final class Retry
{
    public function __construct(
        public readonly int $attempts = 6,
        public readonly float $base = 0.5,
        public readonly float $most = 30.0,
        public readonly float $mostRetryAfter = 60.0,
    ) {
    }

    public function mayRepeat(int $failures, ?float $after = null): bool
    {
        return $failures < $this->attempts && ($after ?? 0.0) <= $this->mostRetryAfter;
    }

    public function pause(int $failures, ?float $after = null): void
    {
        $seconds = $after ?? min($this->most, $this->base * 2 ** min($failures, 16)) * random_int(500, 1000) / 1000;
        usleep((int) ($seconds * 1_000_000));
    }

    /** Whether another attempt may change the status. */
    public static function isRetried(int $status): bool
    {
        return in_array($status, [408, 425, 429, 500, 502, 503, 504], true);
    }
}

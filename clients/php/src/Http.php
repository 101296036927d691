<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Exception\AbortedException;
use Photogate\Exception\NetworkException;

/** One exchange with curl: bodies in pieces, with progress. @internal */
final class Http
{
    private const MOST_ANSWER = 64 << 20;

    /**
     * @param array<string, string> $headers
     * @param array{int, callable(int, int): string}|null $body its length, and what gives a piece of it: (start, length)
     * @param float $timeout seconds in which nothing passes
     * @param (callable(int): bool)|null $onSent with the bytes sent so far; false ends the exchange
     */
    public static function exchange(string $method, string $url, array $headers, ?array $body, float $timeout, ?callable $onSent = null): Answer
    {
        if (preg_match('~\Ahttps?://~i', $url) !== 1) {
            throw new \InvalidArgumentException('the URL has to begin with http:// or https://');
        }
        $handle = curl_init($url);
        $answered = [];
        $data = '';
        $sent = 0;
        $aborted = false;
        $lines = [];
        foreach ($headers as $name => $value) {
            if (!in_array(strtolower($name), ['host', 'content-length'], true)) {
                $lines[] = "$name: $value";
            }
        }
        $options = [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => $lines,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_CONNECTTIMEOUT_MS => (int) ($timeout * 1000),
            CURLOPT_LOW_SPEED_LIMIT => 1,
            CURLOPT_LOW_SPEED_TIME => max(1, (int) ceil($timeout)),
            CURLOPT_NOSIGNAL => true,
            CURLOPT_PATH_AS_IS => true,
            CURLOPT_HEADERFUNCTION => static function (\CurlHandle $_, string $line) use (&$answered): int {
                if (str_starts_with($line, 'HTTP/')) {
                    $answered = [];  // the lines of an interim answer are not the answer's
                } elseif (str_contains($line, ':')) {
                    [$name, $value] = explode(':', $line, 2);
                    $answered[strtolower(trim($name))] = trim($value);
                }

                return strlen($line);
            },
            CURLOPT_WRITEFUNCTION => static function (\CurlHandle $_, string $piece) use (&$data): int {
                $data .= $piece;

                return strlen($data) > self::MOST_ANSWER ? 0 : strlen($piece);
            },
        ];
        if ($method === 'HEAD') {
            $options[CURLOPT_NOBODY] = true;
        }
        if ($body !== null) {
            [$length, $piece] = $body;
            $options += [
                CURLOPT_UPLOAD => true,
                CURLOPT_INFILESIZE => $length,
                CURLOPT_READFUNCTION => static function (\CurlHandle $_, mixed $stream, int $most) use (&$sent, $length, $piece): string {
                    $bytes = $piece($sent, min($most, $length - $sent));
                    $sent += strlen($bytes);

                    return $bytes;
                },
            ];
            if ($onSent !== null) {
                $last = -1;
                $options += [
                    CURLOPT_NOPROGRESS => false,
                    CURLOPT_PROGRESSFUNCTION => static function (\CurlHandle $_, int $expected, int $received, int $total, int $now) use (&$last, &$aborted, $onSent): int {
                        if ($now > 0 && $now !== $last) {
                            $last = $now;
                            $aborted = $aborted || !$onSent($now);
                        }

                        return $aborted ? 1 : 0;
                    },
                ];
            }
        } elseif (!in_array($method, ['GET', 'HEAD', 'DELETE'], true)) {
            $options[CURLOPT_POSTFIELDS] = '';
        }
        curl_setopt_array($handle, $options);
        $done = curl_exec($handle);
        if ($aborted) {
            throw new AbortedException('the upload was aborted');
        }
        if ($done === false) {
            throw new NetworkException("$method at " . parse_url($url, PHP_URL_HOST) . ': ' . curl_error($handle));
        }

        return new Answer((int) curl_getinfo($handle, CURLINFO_RESPONSE_CODE), $answered, $data);
    }
}

<?php

declare(strict_types=1);

namespace Photogate;

use Photogate\Exception\NetworkException;
use Photogate\Exception\ProblemException;
use Photogate\Exception\StoreException;
use Photogate\Types\Grant;
use Photogate\Types\PartsToSign;
use Photogate\Types\SignedPart;

/** Sends one file; `run` returns once the store, or the gateway, has all of it. @internal */
final class Sender
{
    private const SIGNED_AT_ONCE = 100;
    private const TUS = ['Tus-Resumable' => '1.0.0'];

    private Grant $grant;

    /** @param (callable(int, int): mixed)|null $progress */
    public function __construct(
        private readonly Client $client,
        private readonly string $id,
        Grant $grant,
        private readonly File $file,
        private readonly Way $way,
        private $progress,
    ) {
        $this->grant = $grant;
    }

    public function run(): void
    {
        if ($this->grant->parts !== null) {
            $this->sendParts($this->grant->parts->partSize, $this->grant->parts->data);
        } elseif ($this->way === Way::Resumable) {
            $this->sendResumable();
        } else {
            $this->sendDirectly();
        }
    }

    private function sendDirectly(): void
    {
        $failures = 0;
        $renewed = false;
        while (true) {
            try {
                $expires = strtotime($this->grant->expiresAt);
                if (!$renewed && $expires !== false && $expires - time() < 5) {
                    $renewed = $this->renew();
                }
                $answer = $this->grant->method === 'PUT' ? $this->put() : $this->postForm();
            } catch (NetworkException $error) {
                if ($this->way === Way::Auto && $this->grant->resumable !== null) {
                    // Whether the file has arrived and the answer alone was lost, the gateway can tell for less than the file costs.
                    if (!$this->hasArrived()) {
                        $this->sendResumable();
                    }

                    return;
                }
                $failures = $this->cut($failures, $error);
                continue;
            }
            // 412: an earlier attempt, whose answer was lost, has stored the file.
            if ($answer->isOk() || ($answer->status === 412 && $this->grant->method === 'PUT')) {
                return;
            }
            if (Retry::isRetried($answer->status)) {
                $failures = $this->failed($failures, $answer);
            } elseif ($answer->status === 403 && str_contains($answer->body, 'expired') && !$renewed) {
                $renewed = $this->renew();
            } else {
                throw new StoreException($answer->status, $answer->body);
            }
        }
    }

    private function put(): Answer
    {
        return $this->request('PUT', (string) $this->grant->url, $this->grant->headers, [$this->file->size, $this->file->read(...)], 0);
    }

    private function postForm(): Answer
    {
        $boundary = bin2hex(random_bytes(16));
        $head = '';
        foreach ($this->grant->fields ?? [] as $name => $value) {
            $head .= "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"\r\n\r\n$value\r\n";
        }
        $head .= "--$boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n";
        $tail = "\r\n--$boundary--\r\n";
        $before = strlen($head);
        $piece = function (int $start, int $length) use ($head, $tail, $before): string {
            if ($start < $before) {
                return substr($head, $start, $length);
            }
            $start -= $before;

            return $start < $this->file->size ? $this->file->read($start, min($length, $this->file->size - $start)) : substr($tail, $start - $this->file->size, $length);
        };
        $headers = ['Content-Type' => "multipart/form-data; boundary=$boundary"] + $this->grant->headers;

        return $this->request('POST', (string) $this->grant->url, $headers, [$before + $this->file->size + strlen($tail), $piece], -$before);
    }

    private function renew(): bool
    {
        $this->grant = $this->client->signUpload($this->id)->grant ?? $this->grant;

        return true;
    }

    private function hasArrived(): bool
    {
        try {
            $this->client->completeUpload($this->id);
        } catch (ProblemException | NetworkException) {
            return false;
        }

        return true;
    }

    /** By tus 1.0.0. */
    private function sendResumable(): void
    {
        if ($this->grant->resumable === null) {
            throw new \InvalidArgumentException('this upload has no resumable URL');
        }
        $url = $this->grant->resumable->url;
        if (str_starts_with($url, '/')) {
            $url = preg_replace('~\A(https?://[^/]+).*~i', '$1', $this->client->baseUrl) . $url;
        }
        $failures = 0;
        $furthest = 0;
        $size = $this->file->size;
        while (true) {
            try {
                $answer = $this->request('HEAD', $url, self::TUS, null, 0);
                if ($answer->isOk()) {
                    $offset = self::offset($answer);
                    if ($offset > $furthest) {
                        [$failures, $furthest] = [0, $offset];
                    }
                    if ($offset === $size) {
                        return;
                    }
                    $headers = self::TUS + ['Upload-Offset' => (string) $offset, 'Content-Type' => 'application/offset+octet-stream'];
                    $rest = [$size - $offset, fn (int $start, int $length): string => $this->file->read($offset + $start, $length)];
                    $answer = $this->request('PATCH', $url, $headers, $rest, $offset);
                    if ($answer->isOk() && self::offset($answer) === $size) {
                        return;
                    }
                }
                // 409: the offset has moved on; 423: an earlier connection still holds the upload; 460: a digest did not match.
                if (!$answer->isOk() && !Retry::isRetried($answer->status) && !in_array($answer->status, [409, 423, 460], true)) {
                    throw new StoreException($answer->status, $answer->body);
                }
                $failures = $this->failed($failures, $answer);
            } catch (NetworkException $error) {
                $failures = $this->cut($failures, $error);
            }
        }
    }

    private static function offset(Answer $answer): int
    {
        $text = $answer->headers['upload-offset'] ?? '';
        if (preg_match('/\A[0-9]{1,18}\z/', $text) !== 1) {
            throw new StoreException($answer->status, 'the answer has no Upload-Offset');
        }

        return (int) $text;
    }

    /** @param list<SignedPart> $signed */
    private function sendParts(int $partSize, array $signed): void
    {
        for ($failures = 0, $arrived = -1; ; $signed = []) {
            if ($signed === []) {
                $listed = $this->client->listParts($this->id);
                if ($listed->missing === []) {
                    return;
                }
                if ($listed->received <= $arrived && !$this->client->retry->mayRepeat(++$failures)) {
                    throw new StoreException(0, 'parts that the store has taken are not there');
                }
                $arrived = $listed->received;
                $signed = $this->client->signParts($this->id, new PartsToSign(numbers: array_slice($listed->missing, 0, self::SIGNED_AT_ONCE)))->data;
            }
            foreach ($signed as $part) {
                if (!$this->sendPart($part, ($part->number - 1) * $partSize)) {
                    break;
                }
            }
        }
    }

    /** False: its URL has expired. */
    private function sendPart(SignedPart $part, int $start): bool
    {
        $failures = 0;
        while (true) {
            try {
                $piece = fn (int $from, int $length): string => $this->file->read($start + $from, $length);
                $answer = $this->request('PUT', $part->url, $part->headers, [$part->size, $piece], $start);
            } catch (NetworkException $error) {
                $failures = $this->cut($failures, $error);
                continue;
            }
            if ($answer->isOk()) {
                return true;
            }
            if ($answer->status === 403 && str_contains($answer->body, 'expired')) {
                return false;
            }
            if (!Retry::isRetried($answer->status)) {
                throw new StoreException($answer->status, $answer->body);
            }
            $failures = $this->failed($failures, $answer);
        }
    }

    private function cut(int $failures, NetworkException $error): int
    {
        if (!$this->client->retry->mayRepeat(++$failures)) {
            throw $error;
        }
        $this->client->retry->pause($failures);

        return $failures;
    }

    private function failed(int $failures, Answer $answer): int
    {
        if (!$this->client->retry->mayRepeat(++$failures, $answer->retryAfter())) {
            throw new StoreException($answer->status, $answer->body);
        }
        $this->client->retry->pause($failures, $answer->retryAfter());

        return $failures;
    }

    /**
     * @param array<string, string> $headers
     * @param array{int, callable(int, int): string}|null $body
     */
    private function request(string $method, string $url, array $headers, ?array $body, int $start): Answer
    {
        $size = $this->file->size;
        $told = $this->progress === null || $body === null ? null
            : fn (int $sent): bool => ($this->progress)(min(max($start + $sent, 0), $size), $size) !== false;

        return Http::exchange($method, $url, $headers, $body, $this->client->timeout, $told);
    }
}

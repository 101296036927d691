<?php

declare(strict_types=1);

namespace Photogate\Exception;

/** A callback can't be trusted: answer it with 400 and do nothing else. */
final class SignatureException extends PhotogateException
{
}

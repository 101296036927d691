<?php

declare(strict_types=1);

namespace Photogate\Exception;

/** The base of all exceptions of this library. */
class PhotogateException extends \RuntimeException
{
}

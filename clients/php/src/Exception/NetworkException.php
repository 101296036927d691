<?php

declare(strict_types=1);

namespace Photogate\Exception;

/** No answer came: the connection was refused, cut or timed out. */
final class NetworkException extends PhotogateException
{
}

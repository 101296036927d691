<?php

declare(strict_types=1);

namespace Photogate\Exception;

/** The caller ended the upload: its progress function returned false. */
final class AbortedException extends PhotogateException
{
}

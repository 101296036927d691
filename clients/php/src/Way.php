<?php

declare(strict_types=1);

namespace Photogate;

/** What happens when the connection is cut. */
enum Way
{
    /** Continues on the resumable URL where the grant has one. */
    case Auto;
    /** Sends the file again. */
    case Direct;
    /** Uses the resumable URL from the start. */
    case Resumable;
}

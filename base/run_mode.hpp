// Whether a command changes what it finds, or only says what it would change.
#pragma once

namespace photogate {

enum class RunMode { apply, dry_run };

}  // namespace photogate

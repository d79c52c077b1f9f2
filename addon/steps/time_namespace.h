#pragma once

#include "init/context.h"

namespace runtime_ts {

// Opens the file that time.create writes, when the plan has that step. To be called where this process goes over to
// another user namespace, before it changes its ids: a process that is not dumpable does not own its /proc entries
// afterwards, and to be dumpable among the processes of a joined namespace is CVE-2016-9962.
Status OpenTimeOffsets(Context& context);

}  // namespace runtime_ts

// Runs the steps of a plan.
#pragma once

#include "init/context.h"

namespace runtime_ts {

// Takes the payload of a kPlan, in place of the part before, and finds its steps.
Status ParsePlan(Context& context, Buffer text);

// Runs all steps of all parts. Comes back only with a failure: the last step of every plan replaces this program.
Status RunPlan(Context& context);

// kFailure with the last failure, as far as somebody still listens.
void ReportFailure(Context& context);

// kTrace, when the plan asks for it: the time of each step so far.
Status ReportTimes(Context& context);

}  // namespace runtime_ts

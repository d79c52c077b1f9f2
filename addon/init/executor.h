// Runs the steps of a plan.
#pragma once

#include "init/context.h"

namespace runtime_ts {

// Parses the payload of kPlan in place (it must live as long as the context) and finds its steps.
Status ParsePlan(Context& context, Buffer* text);

// Runs all steps. Comes back only with a failure: the last step of every plan replaces this program.
Status RunSteps(Context& context);

// kFailure with the last failure, as far as somebody still listens.
void ReportFailure(Context& context);

// kTrace, when the plan asks for it: the time of each step so far.
Status ReportTimes(Context& context);

}  // namespace runtime_ts

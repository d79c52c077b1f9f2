#include "steps/steps.h"

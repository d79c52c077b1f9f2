// Writing JSON. After common/json.h, which sets RapidJSON up.
#pragma once

#include "common/json.h"

// The order matters.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace runtime_ts {

using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer>;

}  // namespace runtime_ts

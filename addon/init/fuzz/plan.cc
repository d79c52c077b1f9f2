// Fuzz target: arbitrary bytes as what comes over the channel. Frames are read, plans parsed and taken apart the way
// the steps do it; no step runs.
//
//   clang++ -fsanitize=fuzzer,address,undefined ...   libFuzzer brings the main
//   c++ -DSTANDALONE -fsanitize=address,undefined ... reads the inputs named on the command line
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "init/executor.h"
#include "steps/attributes.h"
#include "steps/long_options.h"
#include "steps/namespace_flags.h"
#include "steps/steps.h"
#include "steps/string_array.h"

namespace runtime_ts {
namespace {

void TakeApart(const JsonValue& step) {
  mount_attr attributes{};
  static_cast<void>(ParseAttributes(JsonMember(step, "attributes"), &attributes));
  static_cast<void>(ParseAttributes(JsonMember(step, "recursive"), &attributes));
  static_cast<void>(HasLongOption(step));
  for (const char* key : {"args", "env", "namespaces", "propagation", "keep"}) {
    static_cast<void>(MakeStringArray(step, key));
    JsonForEach(step, key, [](const JsonValue& word) {
      static_cast<void>(ParsePropagation(JsonText(word)));
      static_cast<void>(NamespaceFlag(JsonText(word)));
    });
  }
  const JsonValue* op = JsonMember(step, "op");
  if (op != nullptr) static_cast<void>(FindStep(JsonText(*op)));
}

void ReadPlan(Buffer text) {
  Context context(-1);
  if (!ParsePlan(context, std::move(text)).ok()) return;
  for (const JsonValue& step : context.steps->GetArray()) TakeApart(step);
  std::free(context.times);
}

}  // namespace
}  // namespace runtime_ts

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // More than a socket buffer takes at once would need a second thread and finds nothing new.
  constexpr std::size_t kMost = 64 << 10;
  int ends[2];
  if (size > kMost || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return 0;
  runtime_ts::UniqueFd engine(ends[0]);
  const runtime_ts::UniqueFd init(ends[1]);
  if (write(engine.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  engine.reset();
  runtime_ts::Message message;
  while (runtime_ts::ReadFrame(init.get(), &message) == runtime_ts::ReadResult::kFrame) {
    if (message.kind == runtime_ts::Frame::kPlan) runtime_ts::ReadPlan(std::move(message.payload));
  }
  return 0;
}

#ifdef STANDALONE
int main(int argc, char** argv) {
  std::vector<std::uint8_t> bytes(1 << 20);
  for (int i = 1; i < argc; i++) {
    std::FILE* file = std::fopen(argv[i], "rb");
    if (file == nullptr) return 1;
    LLVMFuzzerTestOneInput(bytes.data(), std::fread(bytes.data(), 1, bytes.size(), file));
    std::fclose(file);
  }
  return 0;
}
#endif

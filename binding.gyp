{
  "target_defaults": {
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fexceptions"],
    "cflags_cc": [
      "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers",
      "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"
    ],
    "include_dirs": ["addon", "<!(node -p \"require('node-addon-api').include_dir\")"],
    "defines": ["_GNU_SOURCE", "_FILE_OFFSET_BITS=64"]
  },
  "targets": [
    {
      # The program that becomes the container's first process: static, small, run from a sealed memfd. It has the few
      # functions of libc that it needs in addon/init/libc, so nothing that a libc would have to set up may be used:
      # stack protector, fortified functions, guards of local statics.
      "target_name": "init",
      "type": "executable",
      "sources": ["addon/init/libc/start.S", "<!@(ls addon/common/*.cc addon/init/*.cc addon/init/libc/*.cc addon/steps/*.cc | grep -v -e /host_ -e errno_text)"],
      "cflags!": ["-fPIC", "-pthread"],
      "cflags_cc!": ["-O2"],
      "cflags_cc": [
        "-Os", "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-threadsafe-statics",
        "-U_FORTIFY_SOURCE"
      ],
      "ldflags!": ["-rdynamic", "-pthread"],
      "ldflags": [
        "-static", "-no-pie", "-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-z,noseparate-code", "-s"
      ],
      "libraries": ["-lgcc"]
    },
    {
      "target_name": "runtime_ts",
      "dependencies": ["init"],
      "sources": ["<!@(ls addon/common/*.cc addon/binding/*.cc addon/steps/*.cc | grep -E 'common|binding|/host_')"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "actions": [
        {
          "action_name": "copy_init",
          "inputs": ["<(PRODUCT_DIR)/init"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/embedded_init.bin"],
          "action": ["cp", "<@(_inputs)", "<@(_outputs)"]
        },
        {
          # embedded_init.S takes the program in with .incbin, which no depfile shows: a changed program makes a new
          # copy of the assembler source, and that one is compiled.
          "action_name": "embed_init",
          "inputs": ["addon/binding/embedded_init.S", "<(SHARED_INTERMEDIATE_DIR)/embedded_init.bin"],
          "outputs": ["<(SHARED_INTERMEDIATE_DIR)/embedded_init.S"],
          "action": ["cp", "addon/binding/embedded_init.S", "<@(_outputs)"],
          "process_outputs_as_sources": 1
        }
      ],
      "include_dirs": ["<(SHARED_INTERMEDIATE_DIR)"],
      "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-z,relro,-z,now", "-Wl,--build-id=sha1", "-s"],
      "libraries": ["-Wl,-Bstatic", "-lseccomp", "-Wl,-Bdynamic"]
    }
  ]
}

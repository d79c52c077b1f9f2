// The init program, as the linker sees it: bytes between two symbols. binding.gyp puts the program on the include
// path and compiles a copy of this file that is as new as the program, because depfiles do not know .incbin.
        .section .rodata
        .global runtime_ts_init_begin
        .hidden runtime_ts_init_begin
        .global runtime_ts_init_end
        .hidden runtime_ts_init_end
        .balign 4096
runtime_ts_init_begin:
        .incbin "embedded_init.bin"
runtime_ts_init_end:
        .byte 0
        .section .note.GNU-stack, "", %progbits

// Where the kernel starts the init: the stack holds argc, argv, NULL, the environment.
#if defined(__x86_64__)
        .globl _start
        .type _start, @function
_start:
        xorl %ebp, %ebp
        movl (%rsp), %edi
        leaq 8(%rsp), %rsi
        andq $-16, %rsp
        call main
        movl %eax, %edi
        movl $231, %eax           // exit_group
        syscall
        .size _start, . - _start
#elif defined(__aarch64__)
        .globl _start
        .type _start, @function
_start:
        mov x29, #0
        mov x30, #0
        ldr w0, [sp]
        add x1, sp, #8
        bl main
        mov x8, #94               // exit_group
        svc #0
        .size _start, . - _start
#else
#error "the init is written for x86-64 and arm64"
#endif
        .section .note.GNU-stack, "", %progbits

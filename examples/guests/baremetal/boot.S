/* Multiboot 1 entry: 32-bit protected mode, flat segments, no paging. */
    .section .multiboot, "a"
    .align 4
    .long 0x1badb002, 0x2, -(0x1badb002 + 0x2) /* magic, flags: memory info, checksum */

    .text
    .globl start
start:
    cli
    movl $stack_top, %esp
    lgdt gdt_pointer
    ljmp $8, $1f
1:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %cr0, %eax /* SSE on: the picture is copied with it */
    andl $~4, %eax
    orl $2, %eax
    movl %eax, %cr0
    movl %cr4, %eax
    orl $0x600, %eax
    movl %eax, %cr4
    subl $12, %esp
    pushl %ebx /* multiboot information */
    call main
2:  hlt
    jmp 2b

    .data
    .align 8
gdt:
    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    .bss
    .align 16
    .skip 65536
stack_top:
    .section .note.GNU-stack, "", @progbits

# Boot sector for the display's tests. Every scan code that the keyboard sends goes to port 0xe9 as it comes.
# F1 F2 F3: 640x480, 800x600, 1024x768 in 32 bits (Bochs VBE); F4: text mode; F5: fill the screen's first 64 KiB
# with the next colour. Assemble: as --32, then ld -m elf_i386 -Ttext 0x7c00 --oformat binary.
.code16
.globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $0x7c00, %sp
    # The firmware must not read the keyboard before us.
    inb $0x21, %al
    orb $2, %al
    outb %al, $0x21
    movb $'!', %al
    outb %al, $0xe9
wait:
    inb $0x64, %al
    testb $1, %al
    jz wait
    inb $0x60, %al
    outb %al, $0xe9
    movw $0x142, %bx
    cmpb $0x3b, %al
    je vbe
    incw %bx
    cmpb $0x3c, %al
    je vbe
    incw %bx
    cmpb $0x3d, %al
    je vbe
    cmpb $0x3e, %al
    je text
    cmpb $0x3f, %al
    je fill
    jmp wait
vbe:
    movw $0x4f02, %ax
    int $0x10
    jmp wait
text:
    movw $0x0003, %ax
    int $0x10
    jmp wait
fill:
    movw $0xa000, %ax
    movw %ax, %es
    incb colour
    movb colour, %al
    shlb $4, %al
    orb $0x0f, %al
    movb %al, %ah
    xorw %di, %di
    movw $0x8000, %cx
    cld
    rep stosw
    jmp wait
colour: .byte 0
    .org 510
    .word 0xaa55

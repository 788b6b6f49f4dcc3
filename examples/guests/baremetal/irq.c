#include "irq.h"
#include "io.h"

enum { PIC1 = 0x20, PIC2 = 0xa0, PIC_EOI = 0x20, VECTOR = 0x20 };
enum { PIT_HZ = 1193182, PS2_DATA = 0x60, PS2_STATUS = 0x64, QUEUE = 1024 };

static struct {
    uint16_t low, selector, flags, high;
} __attribute__((packed)) idt[VECTOR + 16];

static volatile uint16_t queue[QUEUE];
static volatile unsigned head, tail, ticks;
static uint8_t mask1 = 0xff & ~(1 << 1 | 1 << 2); /* keyboard and cascade on, timer off */

struct frame;
#define HANDLER __attribute__((interrupt, target("general-regs-only"))) static void

HANDLER on_timer(struct frame *frame)
{
    (void)frame;
    ticks++;
    out8(PIC1, PIC_EOI);
}

HANDLER on_ps2(struct frame *frame)
{
    (void)frame;
    uint8_t status;
    while ((status = in8(PS2_STATUS)) & 1) {
        queue[head % QUEUE] = in8(PS2_DATA) | (status & 0x20 ? PS2_MOUSE : 0);
        head++;
    }
    out8(PIC2, PIC_EOI);
    out8(PIC1, PIC_EOI);
}

HANDLER on_other(struct frame *frame)
{
    (void)frame;
    out8(PIC2, PIC_EOI);
    out8(PIC1, PIC_EOI);
}

static void set_gate(int vector, void (*handler)(struct frame *))
{
    uint32_t address = (uint32_t)handler;
    idt[vector].low = (uint16_t)address;
    idt[vector].high = (uint16_t)(address >> 16);
    idt[vector].selector = 8;
    idt[vector].flags = 0x8e00; /* present, 32-bit interrupt gate */
}

void irq_init(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint32_t)idt};

    for (int i = 0; i < 16; i++)
        set_gate(VECTOR + i, on_other);
    set_gate(VECTOR + 0, on_timer);
    set_gate(VECTOR + 1, on_ps2);
    set_gate(VECTOR + 12, on_ps2);
    __asm__ volatile("lidt %0" ::"m"(pointer));

    out8(PIC1, 0x11), out8(PIC2, 0x11); /* initialise, 4 words */
    out8(PIC1 + 1, VECTOR), out8(PIC2 + 1, VECTOR + 8);
    out8(PIC1 + 1, 4), out8(PIC2 + 1, 2); /* cascade on line 2 */
    out8(PIC1 + 1, 1), out8(PIC2 + 1, 1);
    out8(PIC1 + 1, mask1), out8(PIC2 + 1, 0xff & ~(1 << 4)); /* mouse on */
}

void irq_set_timer(unsigned hz)
{
    mask1 = hz ? mask1 & ~1 : mask1 | 1;
    if (hz) {
        unsigned divisor = PIT_HZ / hz;
        out8(0x43, 0x34); /* counter 0, both bytes, rate generator */
        out8(0x40, (uint8_t)divisor);
        out8(0x40, (uint8_t)(divisor >> 8));
    }
    out8(PIC1 + 1, mask1);
}

int irq_next_byte(void)
{
    if (tail == head)
        return -1;
    return queue[tail++ % QUEUE];
}

unsigned irq_take_ticks(void)
{
    __asm__ volatile("cli");
    unsigned taken = ticks;
    ticks = 0;
    __asm__ volatile("sti");
    return taken;
}

void irq_wait(void)
{
    __asm__ volatile("cli");
    if (tail == head && !ticks)
        __asm__ volatile("sti; hlt"); /* sti holds interrupts off for one more instruction */
    else
        __asm__ volatile("sti");
}

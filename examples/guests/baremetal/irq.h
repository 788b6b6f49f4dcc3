/* Interrupts: the handlers only note what happened; main() acts on it between hlt's. */
#pragma once
#include <stdint.h>

/* Bytes from the PS/2 controller, in order of arrival; the mouse's carry PS2_MOUSE. */
enum { PS2_MOUSE = 0x100 };

void irq_init(void);

/* The PIT's rate; 0 masks its interrupt, so that an idle guest sleeps. */
void irq_set_timer(unsigned hz);

/* The next byte, or -1. */
int irq_next_byte(void);

/* Ticks since the last call. */
unsigned irq_take_ticks(void);

/* Sleeps until something has happened since the last look. */
void irq_wait(void);

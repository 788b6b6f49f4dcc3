/* PS/2 keyboard and mouse: bytes to events. */
#pragma once

void ps2_init(void);

/* One keyboard byte (set 1). Returns 1 when it completes an event. */
int ps2_key(unsigned char byte, unsigned *qnum, int *down);

/* One mouse byte. Returns 1 when it completes a packet. Buttons as in struct scene; wheel: up is positive. */
int ps2_mouse(unsigned char byte, int *dx, int *dy, unsigned *buttons, int *wheel);

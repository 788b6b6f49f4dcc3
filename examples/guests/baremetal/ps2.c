#include "ps2.h"
#include "io.h"

enum { DATA = 0x60, COMMAND = 0x64, STATUS_FULL = 1, STATUS_BUSY = 2 };

static void send(uint16_t port, uint8_t value)
{
    while (in8(COMMAND) & STATUS_BUSY)
        ;
    out8(port, value);
}

static uint8_t receive(void)
{
    while (!(in8(COMMAND) & STATUS_FULL))
        ;
    return in8(DATA);
}

static void mouse(uint8_t value)
{
    send(COMMAND, 0xd4);
    send(DATA, value);
    receive(); /* 0xfa */
}

/* Before interrupts are on. */
void ps2_init(void)
{
    /* Sample rates 200, 200, 80 switch the mouse to five buttons and a wheel. */
    static const uint8_t SETUP[] = {0xf6, 0xf3, 200, 0xf3, 200, 0xf3, 80, 0xf3, 100, 0xf4};

    send(COMMAND, 0xad), send(COMMAND, 0xa8); /* keyboard off meanwhile, mouse port on */
    while (in8(COMMAND) & STATUS_FULL)
        in8(DATA);
    for (unsigned i = 0; i < sizeof SETUP; i++) {
        mouse(SETUP[i]);
        if (i == 6) {
            mouse(0xf2); /* the identity: some QEMUs switch only when asked */
            receive();
        }
    }
    send(COMMAND, 0x60), send(DATA, 0x43); /* both interrupts on, translate to set 1 */
    send(COMMAND, 0xae);
    send(DATA, 0xf4), receive(); /* keyboard: scan */
}

int ps2_key(unsigned char byte, unsigned *qnum, int *down)
{
    static int extended, pause;
    if (byte == 0xfa || byte == 0xfe)
        return 0; /* replies to commands, not keys */
    if (byte == 0xe0) {
        extended = 1;
        return 0;
    }
    if (byte == 0xe1) {
        pause = 2;
        return 0;
    }
    *down = !(byte & 0x80);
    *qnum = byte & 0x7f;
    if (pause) { /* e1 1d 45, e1 9d c5 */
        *qnum = 0xc6;
        return --pause == 0;
    }
    if (extended) {
        extended = 0;
        if (*qnum == 0x2a || *qnum == 0x36)
            return 0; /* a shift that only old software needs */
        *qnum |= 0x80;
        if (*qnum == 0xb7)
            *qnum = 0x54; /* Print: one number with and without Alt */
    }
    return 1;
}

int ps2_mouse(unsigned char byte, int *dx, int *dy, unsigned *buttons, int *wheel)
{
    static unsigned char packet[4];
    static int have;
    if (have == 0 && !(byte & 0x08))
        return 0; /* not a first byte: out of step */
    packet[have++] = byte;
    if (have < 4)
        return 0;
    have = 0;
    *dx = packet[1] - (packet[0] & 0x10 ? 256 : 0);
    *dy = (packet[0] & 0x20 ? 256 : 0) - packet[2];
    int z = packet[3] & 0x0f;
    *wheel = z & 8 ? 16 - z : -z;
    *buttons = (packet[0] & 1) | (packet[0] >> 1 & 2) | (packet[0] << 1 & 4) | (packet[3] >> 1 & 0x18);
    return 1;
}

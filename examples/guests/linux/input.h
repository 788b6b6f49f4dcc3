/* evdev devices to events. */
#pragma once
#include <poll.h>

enum { INPUT_MAX = 16 };

/* screen: the first keyboard and the first pointer are the first screen's, the second ones the second's, and so on. */
struct input_event_sink {
    void (*key)(int screen, unsigned qnum, int down);
    /* Absolute when absolute is set, then in 0..INPUT_ABS_MAX; else relative. buttons and wheel as in struct scene. */
    void (*pointer)(int screen, int absolute, int x, int y, unsigned buttons, int wheel);
    void (*power_button)(void);
};

enum { INPUT_ABS_MAX = 0x7fff };

/* Opens and grabs every device there is now; returns how many; fills in fds. */
int input_open(struct pollfd fds[INPUT_MAX]);

/* Reads what device has and tells the sink. */
void input_read(int device, const struct input_event_sink *sink);

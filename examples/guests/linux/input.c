#include "input.h"

#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* QEMU's key numbers that differ from evdev's codes; all from 1 to 83 and 86 to 88 are the same. */
static const unsigned char QNUM[256] = {
    [KEY_RO] = 0x73, [KEY_KATAKANA] = 0x78, [KEY_HIRAGANA] = 0x77, [KEY_HENKAN] = 0x79,
    [KEY_KATAKANAHIRAGANA] = 0x70, [KEY_MUHENKAN] = 0x7b, [KEY_KPENTER] = 0x9c, [KEY_RIGHTCTRL] = 0x9d,
    [KEY_KPSLASH] = 0xb5, [KEY_SYSRQ] = 0x54, [KEY_RIGHTALT] = 0xb8, [KEY_HOME] = 0xc7, [KEY_UP] = 0xc8,
    [KEY_PAGEUP] = 0xc9, [KEY_LEFT] = 0xcb, [KEY_RIGHT] = 0xcd, [KEY_END] = 0xcf, [KEY_DOWN] = 0xd0,
    [KEY_PAGEDOWN] = 0xd1, [KEY_INSERT] = 0xd2, [KEY_DELETE] = 0xd3, [KEY_MUTE] = 0xa0, [KEY_VOLUMEDOWN] = 0xae,
    [KEY_VOLUMEUP] = 0xb0, [KEY_POWER] = 0xde, [KEY_KPEQUAL] = 0x59, [KEY_PAUSE] = 0xc6, [KEY_KPCOMMA] = 0x7e,
    [KEY_HANGEUL] = 0x72, [KEY_HANJA] = 0x71, [KEY_YEN] = 0x7d, [KEY_LEFTMETA] = 0xdb, [KEY_RIGHTMETA] = 0xdc,
    [KEY_COMPOSE] = 0xdd, [KEY_SLEEP] = 0xdf, [KEY_WAKEUP] = 0xe3, [KEY_NEXTSONG] = 0x99, [KEY_PLAYPAUSE] = 0xa2,
    [KEY_PREVIOUSSONG] = 0x90, [KEY_STOPCD] = 0xa4,
};

struct device {
    int fd, screen;
    int is_power_button;
    unsigned buttons;
    int absolute, x, y, wheel, moved;
};

static struct device devices[INPUT_MAX];

int input_open(struct pollfd fds[INPUT_MAX])
{
    static char names[INPUT_MAX][64];
    int count = 0;
    for (int i = 0; i < 32 && count < INPUT_MAX; i++) {
        char path[32], name[64] = "";
        snprintf(path, sizeof path, "/dev/input/event%d", i);
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        ioctl(fd, EVIOCGNAME(sizeof name - 1), name);
        ioctl(fd, EVIOCGRAB, 1); /* the kernel's own console shall not act on keys */
        printf("demo: input %s\n", name);
        int same = 0;
        for (int j = 0; j < count; j++)
            same += !strcmp(names[j], name);
        strcpy(names[count], name);
        devices[count] = (struct device){.fd = fd, .screen = same, .is_power_button = !strcmp(name, "Power Button")};
        fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return count;
}

static void on_button(struct device *d, unsigned code, int down)
{
    static const unsigned char BIT[] = {
        [BTN_LEFT - BTN_MOUSE] = 1, [BTN_RIGHT - BTN_MOUSE] = 4, [BTN_MIDDLE - BTN_MOUSE] = 2,
        [BTN_SIDE - BTN_MOUSE] = 8, [BTN_EXTRA - BTN_MOUSE] = 16,
    };
    unsigned bit = code - BTN_MOUSE < sizeof BIT ? BIT[code - BTN_MOUSE] : 0;
    d->buttons = down ? d->buttons | bit : d->buttons & ~bit;
    d->moved |= bit != 0;
}

static void on_event(struct device *d, const struct input_event *e, const struct input_event_sink *sink)
{
    if (e->type == EV_KEY && d->is_power_button) {
        if (e->value == 1)
            sink->power_button();
    } else if (e->type == EV_KEY && e->code >= BTN_MISC) {
        on_button(d, e->code, e->value);
    } else if (e->type == EV_KEY && e->code < 256) {
        unsigned qnum = QNUM[e->code] ? QNUM[e->code] : e->code;
        sink->key(d->screen, qnum, e->value != 0);
    } else if (e->type == EV_ABS && e->code <= ABS_Y) {
        d->absolute = d->moved = 1;
        *(e->code == ABS_X ? &d->x : &d->y) = e->value;
    } else if (e->type == EV_REL && e->code <= REL_Y) {
        d->moved = 1;
        *(e->code == REL_X ? &d->x : &d->y) += e->value;
    } else if (e->type == EV_REL && e->code == REL_WHEEL) {
        d->moved = 1;
        d->wheel += e->value;
    } else if (e->type == EV_SYN && d->moved) {
        sink->pointer(d->screen, d->absolute, d->x, d->y, d->buttons, d->wheel);
        d->moved = d->wheel = 0;
        if (!d->absolute)
            d->x = d->y = 0;
    }
}

void input_read(int device, const struct input_event_sink *sink)
{
    struct input_event events[64];
    ssize_t size;
    while ((size = read(devices[device].fd, events, sizeof events)) > 0)
        for (size_t i = 0; i < (size_t)size / sizeof events[0]; i++)
            on_event(&devices[device], &events[i], sink);
}

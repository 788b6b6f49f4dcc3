#include "scene.h"

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;
}

static unsigned number(const char **at, unsigned base)
{
    unsigned value = 0;
    while (digit(**at) < (int)base)
        value = value * base + (unsigned)digit(*(*at)++);
    return value;
}

/* What follows name in at, or 0. */
static const char *after(const char *at, const char *name)
{
    while (*name && *at == *name)
        at++, name++;
    return *name ? 0 : at;
}

static void set_run(struct options *o, const char *value)
{
    static const char *const NAMES[] = {
        [RUN_STILL] = "still",     [RUN_DEMO] = "demo",     [RUN_SMALL] = "small",       [RUN_SMALL60] = "small60",
        [RUN_SCROLL] = "scroll",   [RUN_MOTION] = "motion", [RUN_MOTION60] = "motion60", [RUN_WORDS] = "words",
    };
    for (int i = RUN_STILL; i <= RUN_WORDS; i++) {
        const char *end = after(value, NAMES[i]);
        if (end && (*end == 0 || *end == ' ' || *end == '\n'))
            o->run = (enum run)i;
    }
}

void options_parse(struct options *o, const char *cmdline)
{
    const char *value;
    for (const char *at = cmdline; *at; at++) {
        if (at != cmdline && at[-1] != ' ')
            continue;
        if ((value = after(at, "nonce=")))
            o->nonce = number(&value, 16);
        else if ((value = after(at, "run=")))
            set_run(o, value);
        else if ((value = after(at, "mode="))) {
            int width = (int)number(&value, 10), height = *value == 'x' ? (value++, (int)number(&value, 10)) : 0;
            if (width >= SCENE_MIN_WIDTH && height >= SCENE_MIN_HEIGHT && width <= 4096 && height <= 4096) {
                o->width = width;
                o->height = height;
            }
        }
    }
}

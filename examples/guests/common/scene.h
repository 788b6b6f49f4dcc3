/*
 * The demo guests' picture: what both guests paint, and picture.py paints again in Python.
 *
 * No libc: the bare-metal guest links this too. Everything is drawn straight into the canvas; each
 * change is reported by scene_damage(), which the platform provides.
 */
#pragma once
#include <stdint.h>

struct rect {
    int x, y, w, h;
};

struct canvas {
    uint32_t *pixels; /* X8R8G8B8 */
    int width, height;
    int stride; /* in pixels */
};

enum run { RUN_STILL, RUN_DEMO, RUN_SMALL, RUN_SMALL60, RUN_SCROLL, RUN_MOTION, RUN_MOTION60, RUN_WORDS };

enum { KEY_HISTORY = 16, CROSS_ARM = 16, CROSS_SIZE = 2 * CROSS_ARM + 1 };
enum { SCENE_MIN_WIDTH = 800, SCENE_MIN_HEIGHT = 600 };
enum { QNUM_F1 = 0x3b, QNUM_F6 = 0x40, QNUM_F7 = 0x41, QNUM_F8 = 0x42, QNUM_F9 = 0x43 };

struct scene {
    struct canvas canvas;
    int unit; /* pixels to a layout unit: 1 up to 1080p, 2 on 2560x1440... */
    uint32_t nonce;
    enum run run;
    uint32_t frame; /* ticks since the run mode began */
    uint32_t random;

    uint16_t keys[KEY_HISTORY]; /* newest last: bit 9 valid, bit 8 down, bits 7-0 qnum */
    uint16_t key_events;
    int patch; /* the key patch is light */

    int x, y; /* pointer */
    unsigned buttons; /* bit 0 left, 1 middle, 2 right, 3 side, 4 extra */
    int wheel; /* up counts up */

    int cross_shown, cross_x, cross_y;
    uint32_t cross_under[CROSS_SIZE][CROSS_SIZE];

    int ball_x, ball_y, ball_dx, ball_dy; /* in the stage, pixels */
};

void scene_init(struct scene *s, uint32_t nonce, enum run run);

/* Draws everything onto a (new) canvas. */
void scene_resize(struct scene *s, struct canvas canvas);

/* A key event. Paints and reports the key patch before anything else. */
void scene_key(struct scene *s, unsigned qnum, int down);

/* The pointer's new place (clamped), its buttons, and wheel steps since the last call. */
void scene_pointer(struct scene *s, int x, int y, unsigned buttons, int wheel_steps);

/* How often scene_tick() wants to be called; 0: not at all. */
unsigned scene_hz(const struct scene *s);
void scene_tick(struct scene *s);

/* The platform's: these pixels have changed. */
void scene_damage(struct rect r);

/* The kernel command line: nonce=XXXXXXXX, mode=WxH, run=NAME. Absent ones keep their value. */
struct options {
    uint32_t nonce;
    int width, height;
    enum run run;
};
void options_parse(struct options *o, const char *cmdline);

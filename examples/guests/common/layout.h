/* Where everything is, and its colours. picture.py has the same in Python. */
#pragma once
#include "scene.h"

/* 0xRRGGBB */
enum {
    CARD = 0x111a2e,
    BORDER = 0x2d3d5c,
    STAGE = 0x0d1526,
    DOT = 0x24324d,
    TERMINAL = 0x0b0f18, /* which video has exactly: 8-bit YUV rounds most colours */
    BRIGHT = 0xf2f5f9,
    MUTED = 0x93a4bf,
    ACCENT = 0x7dd3fc,
    CELL_DARK = 0x0b0f16,
    CELL_LIGHT = 0xf2f5f9,
    BALL = 0x38bdf8,
    BALL_CORE = 0xe0f2fe,
    CROSS = 0xfde047,
    CROSS_EDGE = 0x111111,
};

/* Of machine-readable blocks: rows of 16 cells, the top bit left. */
enum { FINDER = 0xb38f, NONCE_CHECK = 0x5a5a, POINTER_CHECK = 0xa5a5, KEYS_CHECK = 0x3c3c };
enum { CELL = 16, CELLS = 16 };
enum { BALL_SIZE = 64 };

/* Rectangles in pixels. A scene's unit is its pixels to a layout unit. */

static inline int units_wide(const struct scene *s) { return s->canvas.width / s->unit; }
static inline int units_high(const struct scene *s) { return s->canvas.height / s->unit; }

static inline struct rect scaled(const struct scene *s, int x, int y, int w, int h)
{
    return (struct rect){x * s->unit, y * s->unit, w * s->unit, h * s->unit};
}

/* Where scroll, motion and words are painted: all but the side column and the line of help. */
static inline struct rect zone_rect(const struct scene *s)
{
    return scaled(s, 0, 0, units_wide(s) - 304, units_high(s) - 48);
}
static inline struct rect stage_rect(const struct scene *s)
{
    return scaled(s, 24, 228, units_wide(s) - 336, units_high(s) - 284);
}
static inline struct rect nonce_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 24, 256, 64); }
static inline struct rect pointer_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 112, 256, 88); }
static inline struct rect patch_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 224, 96, 64); }
static inline struct rect last_key_rect(const struct scene *s) { return scaled(s, units_wide(s) - 172, 224, 148, 64); }
static inline struct rect keys_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 296, 256, 192); }
static inline struct rect small_rect(const struct scene *s) { return scaled(s, 38, 264, 200, 20); }

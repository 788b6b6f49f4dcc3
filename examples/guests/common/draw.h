/* Drawing primitives on a canvas. All clip to nothing: callers stay inside the canvas. */
#pragma once
#include "scene.h"

static inline uint32_t *pixel(const struct canvas *c, int x, int y)
{
    return c->pixels + (long)y * c->stride + x;
}

static inline void fill(const struct canvas *c, struct rect r, uint32_t colour)
{
    for (int y = r.y; y < r.y + r.h; y++) {
        uint32_t *p = pixel(c, r.x, y);
        for (int x = 0; x < r.w; x++)
            p[x] = colour;
    }
}

/* The part of r that is inside clip. */
static inline void fill_clipped(const struct canvas *c, struct rect r, struct rect clip, uint32_t colour)
{
    int x0 = r.x > clip.x ? r.x : clip.x, x1 = r.x + r.w < clip.x + clip.w ? r.x + r.w : clip.x + clip.w;
    int y0 = r.y > clip.y ? r.y : clip.y, y1 = r.y + r.h < clip.y + clip.h ? r.y + r.h : clip.y + clip.h;
    if (x0 < x1 && y0 < y1)
        fill(c, (struct rect){x0, y0, x1 - x0, y1 - y0}, colour);
}

/* A filled rectangle whose corners are rounded. */
static inline void fill_rounded(const struct canvas *c, struct rect r, int radius, uint32_t colour)
{
    for (int y = 0; y < r.h; y++) {
        int dy = y < radius ? radius - y : y >= r.h - radius ? y - (r.h - radius - 1) : 0;
        int inset = 0;
        while (dy && inset < radius && (radius - inset) * (radius - inset) + dy * dy > radius * radius)
            inset++;
        fill(c, (struct rect){r.x + inset, r.y + y, r.w - 2 * inset, 1}, colour);
    }
}

enum font_size { FONT_SMALL, FONT_TITLE, FONT_DIGITS };

/* One line of ASCII text, each font pixel unit x unit; the background is left alone. */
void text(const struct canvas *c, int x, int y, int unit, enum font_size size, uint32_t colour, const char *string);

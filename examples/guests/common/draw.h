/* Drawing primitives on a canvas. All clip to nothing: callers stay inside the canvas. */
#pragma once
#include "font.h"
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

static inline uint32_t glyph_row(enum font_size size, char ch, int row)
{
    if (size == FONT_SMALL)
        return (uint32_t)font_8x16[ch - 32][row] << 24;
    if (size == FONT_TITLE)
        return (uint32_t)font_16x32[ch - 32][row] << 16;
    return font_32x64[ch <= '9' ? ch - '0' : ch - 'A' + 10][row];
}

/* One line of ASCII text, each font pixel unit x unit; the background is left alone. */
static inline void text(const struct canvas *c, int x, int y, int unit, enum font_size size, uint32_t colour,
                        const char *string)
{
    int width = 8 << size, height = 16 << size;
    for (; *string; string++, x += width * unit)
        for (int row = 0; row < height; row++) {
            uint32_t bits = glyph_row(size, *string, row);
            for (int column = 0; bits; column++, bits <<= 1)
                if (bits >> 31)
                    fill(c, (struct rect){x + column * unit, y + row * unit, unit, unit}, colour);
        }
}

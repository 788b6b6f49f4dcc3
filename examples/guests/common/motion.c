#include "draw.h"
#include "layout.h"
#include "paint.h"
#include "words.h"

enum { TILE = 512 };

static uint32_t tile[TILE][TILE];

/* A smooth wave of period 512, 0 to 255. */
static int wave(int t)
{
    int half = t & 255, hump = half * (256 - half) >> 7;
    return t & 256 ? 127 - (hump > 127 ? 127 : hump) : 128 + (hump > 127 ? 127 : hump);
}

void paint_tile(struct scene *s)
{
    struct canvas t = {&tile[0][0], TILE, TILE, TILE};
    for (int y = 0; y < TILE; y++)
        for (int x = 0; x < TILE; x++)
            tile[y][x] = (uint32_t)(16 + wave(x + 2 * y) / 2) << 16 | (uint32_t)(24 + wave(2 * x - y + 170) / 2) << 8
                         | (uint32_t)(40 + wave(x * 3 + y + 340) / 2);
    s->random = s->nonce | 1;
    for (int y = 8; y + 32 <= TILE; y += 56)
        for (int x = 0; x + 136 <= TILE; x += 168)
            text(&t, x + (y & 31), y, 1, FONT_TITLE, INKS[next_random(s) >> 8 & 7], WORDS[next_random(s) >> 8 & 31]);
}

void paint_motion(struct scene *s)
{
    struct rect zone = zone_rect(s);
    int t = (int)(s->run == RUN_MOTION ? 2 * s->frame : s->frame);
    for (int y = 0; y < zone.h; y++) {
        const uint32_t *from = tile[(y + 2 * t) & (TILE - 1)];
        int at = (3 * t + wave(y + 5 * t) / 4) & (TILE - 1);
        for (int x = 0; x < zone.w;) {
            int run = TILE - at < zone.w - x ? TILE - at : zone.w - x;
            uint32_t *to = pixel(&s->canvas, zone.x + x, zone.y + y);
            for (int i = 0; i < run; i++)
                to[i] = from[at + i];
            x += run;
            at = 0;
        }
    }
}

void paint_scroll(struct scene *s)
{
    struct rect zone = zone_rect(s);
    int line = 16 * s->unit, lines = zone.h / line;
    for (int y = zone.y; y < zone.y + (lines - 1) * line; y++) {
        uint32_t *to = pixel(&s->canvas, zone.x, y);
        const uint32_t *from = pixel(&s->canvas, zone.x, y + line);
        for (int x = 0; x < zone.w; x++)
            to[x] = from[x];
    }
    fill(&s->canvas, (struct rect){zone.x, zone.y + (lines - 1) * line, zone.w, line}, TERMINAL);
    word_line(s, zone.y + (lines - 1) * line);
}

void paint_small(struct scene *s)
{
    struct rect r = small_rect(s);
    char line[24];
    put_number(put_text(line, "frame "), s->frame, 10, 8, '0');
    fill(&s->canvas, r, 0x200040 + ((s->frame * 7 & 0x7f) << 8));
    text(&s->canvas, r.x + 6 * s->unit, r.y + 2 * s->unit, s->unit, FONT_SMALL, INKS[s->frame & 7], line);
}

#include "draw.h"
#include "layout.h"
#include "paint.h"
#include "words.h"

static void code(struct scene *s, struct rect r, const uint16_t *rows, int count)
{
    int cell = CELL * s->unit;
    for (int row = 0; row < count; row++)
        for (int column = 0; column < CELLS; column++)
            fill(&s->canvas, (struct rect){r.x + column * cell, r.y + row * cell, cell, cell},
                 rows[row] >> (CELLS - 1 - column) & 1 ? CELL_LIGHT : CELL_DARK);
}

void paint_nonce(struct scene *s)
{
    uint16_t rows[4] = {FINDER, s->nonce >> 16, s->nonce, (s->nonce >> 16 ^ s->nonce ^ NONCE_CHECK)};
    code(s, nonce_rect(s), rows, 4);
}

void paint_pointer(struct scene *s)
{
    struct rect r = pointer_rect(s), codes = {r.x, r.y + 24 * s->unit, r.w, 64 * s->unit};
    char line[40], *at;
    at = put_number(put_text(line, "x "), s->x, 10, 4, ' ');
    at = put_number(put_text(at, " y "), s->y, 10, 4, ' ');
    at = put_text(at, "  ");
    for (int i = 0; i < 5; i++)
        *at++ = s->buttons >> i & 1 ? "LMRSE"[i] : '-';
    at = put_text(at, s->wheel < 0 ? "  wheel -" : "  wheel  ");
    put_number(at, s->wheel < 0 ? -s->wheel : s->wheel, 10, 3, ' ');
    fill(&s->canvas, (struct rect){r.x, r.y, r.w, 16 * s->unit}, CARD);
    text(&s->canvas, r.x, r.y, s->unit, FONT_SMALL, MUTED, line);
    uint16_t rows[4] = {s->x, s->y, s->buttons << 8 | (s->wheel & 0xff)};
    rows[3] = rows[0] ^ rows[1] ^ rows[2] ^ POINTER_CHECK;
    code(s, codes, rows, 4);
}

void paint_patch(struct scene *s)
{
    fill(&s->canvas, patch_rect(s), s->patch ? CELL_LIGHT : CELL_DARK);
}

void paint_keys(struct scene *s)
{
    struct rect r = last_key_rect(s);
    uint16_t last = s->keys[KEY_HISTORY - 1], rows[12] = {0};
    char line[16] = "--";
    if (last)
        put_text(put_number(line, last & 0xff, 16, 2, '0'), last & 0x100 ? " down" : " up");
    fill(&s->canvas, r, CARD);
    text(&s->canvas, r.x, r.y, s->unit, FONT_SMALL, MUTED, "last key (qnum)");
    text(&s->canvas, r.x, r.y + 24 * s->unit, s->unit, FONT_TITLE, BRIGHT, line);
    for (int i = 0; i < KEY_HISTORY; i++)
        for (int bit = 0; bit < 10; bit++)
            rows[bit] |= (s->keys[i] >> (9 - bit) & 1) << (CELLS - 1 - i);
    rows[10] = s->key_events;
    rows[11] = KEYS_CHECK;
    for (int row = 0; row < 11; row++)
        rows[11] ^= rows[row];
    code(s, keys_rect(s), rows, 12);
}

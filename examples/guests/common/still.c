#include "draw.h"
#include "layout.h"
#include "paint.h"
#include "words.h"

static const uint32_t BARS[8] = {0xf1f5f9, 0xfacc15, 0x22d3ee, 0x4ade80, 0xe879f9, 0xf87171, 0x60a5fa, 0x1e293b};

static void gradient(struct scene *s, struct rect r)
{
    static uint32_t across[4096];
    int w = s->canvas.width, h = s->canvas.height;
    for (int x = r.x; x < r.x + r.w; x++)
        across[x] = ((uint32_t)(24 * x / w) << 16) + ((uint32_t)(10 * x / w) << 8) + 34 * x / w;
    for (int y = r.y; y < r.y + r.h; y++) {
        uint32_t *p = pixel(&s->canvas, 0, y);
        uint32_t down = 0x0b1220 + ((uint32_t)(8 * y / h) << 16) + ((uint32_t)(26 * y / h) << 8) + 30 * y / h;
        for (int x = r.x; x < r.x + r.w; x++)
            p[x] = down + across[x];
    }
}

static void card(struct scene *s, struct rect r, uint32_t colour)
{
    int u = s->unit;
    fill_rounded(&s->canvas, r, 10 * u, BORDER);
    fill_rounded(&s->canvas, (struct rect){r.x + u, r.y + u, r.w - 2 * u, r.h - 2 * u}, 9 * u, colour);
}

void stage_ground(struct scene *s, struct rect r)
{
    struct rect stage = stage_rect(s);
    int pitch = 32 * s->unit, dot = 2 * s->unit;
    fill(&s->canvas, r, STAGE);
    for (int y = stage.y + pitch; y < stage.y + stage.h - dot; y += pitch)
        for (int x = stage.x + pitch; x < stage.x + stage.w - dot; x += pitch)
            fill_clipped(&s->canvas, (struct rect){x, y, dot, dot}, r, DOT);
}

void paint_left(struct scene *s)
{
    struct canvas *c = &s->canvas;
    int u = s->unit, left = 24, right = units_wide(s) - 312;
    struct rect stage = stage_rect(s), bars = scaled(s, left, 160, right - left, 40);
    char line[24];

    gradient(s, zone_rect(s));
    text(c, left * u, 20 * u, u, FONT_TITLE, BRIGHT, "libvirt-webrtc demo");
    text(c, left * u, 56 * u, u, FONT_SMALL, MUTED, "a guest whose every pixel is known");
    char *end = put_number(line, c->width, 10, c->width > 999 ? 4 : 3, ' ');
    end = put_number(put_text(end, "x"), c->height, 10, c->height > 999 ? 4 : 3, ' ');
    text(c, (right - 16 * (int)(end - line)) * u, 20 * u, u, FONT_TITLE, ACCENT, line);
    put_number(line, s->nonce, 16, 8, '0');
    text(c, left * u, 84 * u, u, FONT_DIGITS, ACCENT, line);
    text(c, (left + 272) * u, 108 * u, u, FONT_SMALL, MUTED, "nonce");

    for (int i = 0; i < 8; i++) {
        int x0 = bars.w * i / 8, x1 = bars.w * (i + 1) / 8;
        fill(c, (struct rect){bars.x + x0, bars.y, x1 - x0, bars.h}, BARS[i]);
    }
    for (int x = 0; x < bars.w; x++)
        fill(c, (struct rect){bars.x + x, bars.y + bars.h, 1, 12 * u}, 0x010101 * (uint32_t)(255 * x / (bars.w - 1)));

    card(s, stage, STAGE);
    stage_ground(s, (struct rect){stage.x + 12 * u, stage.y + 12 * u, stage.w - 24 * u, stage.h - 24 * u});
    text(c, (left + 14) * u, (228 + 12) * u, u, FONT_SMALL, MUTED, "moving zone");
}

void paint_rest(struct scene *s)
{
    struct rect zone = zone_rect(s);
    int u = s->unit, x = units_wide(s) - 288;
    static const char *const HELP[8][2] = {{"F1", "still"},  {"F2", "small"},  {"F3", "scroll"}, {"F4", "30 Hz"},
                                           {"F5", "60 Hz"}, {"F6", "size"}, {"F7", "1080p"}, {"F8", "words"}};
    gradient(s, (struct rect){zone.w, 0, s->canvas.width - zone.w, s->canvas.height});
    gradient(s, (struct rect){0, zone.h, zone.w, s->canvas.height - zone.h});
    for (int i = 0, at = 24; i < 8; i++, at += 20) {
        text(&s->canvas, at * u, (units_high(s) - 34) * u, u, FONT_SMALL, ACCENT, HELP[i][0]);
        at += 24;
        text(&s->canvas, at * u, (units_high(s) - 34) * u, u, FONT_SMALL, MUTED, HELP[i][1]);
        for (const char *c = HELP[i][1]; *c; c++)
            at += 8;
    }
    card(s, scaled(s, x, 16, 272, 80), CARD);
    card(s, scaled(s, x, 104, 272, 104), CARD);
    card(s, scaled(s, x, 216, 272, 280), CARD);
    paint_nonce(s);
    paint_pointer(s);
    paint_patch(s);
    paint_keys(s);
}

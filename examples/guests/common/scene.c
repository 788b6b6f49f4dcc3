#include "scene.h"
#include "draw.h"

/* Colours, 0xRRGGBB. The same names stand in picture.py. */
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

static const uint32_t BARS[8] = {0xf1f5f9, 0xfacc15, 0x22d3ee, 0x4ade80, 0xe879f9, 0xf87171, 0x60a5fa, 0x1e293b};
static const uint32_t INKS[8] = {0xe2e8f0, 0xfca5a5, 0xfdba74, 0xfde047, 0x86efac, 0x67e8f9, 0x93c5fd, 0xf0abfc};
static const char *const WORDS[32] = {
    "kernel", "guest", "console", "frame", "damage", "stride", "scanout", "pixel", "offer", "answer", "track",
    "virtio", "usb", "pci", "irq", "ok", "mount", "eth0", "ssh", "login", "0x7f3a", "1080p", "done", "sha256",
    "packet", "jitter", "codec", "latency", "[info]", "/dev/vda", "--help", "100%",
};
enum { FINDER = 0xb38f, NONCE_CHECK = 0x5a5a, POINTER_CHECK = 0xa5a5, KEYS_CHECK = 0x3c3c };
enum { CELL = 16, CELLS = 16, BALL_SIZE = 64, TILE = 512 };

/* ---- layout: in units from the top left; W, H are the canvas in units ---- */

static int units_wide(const struct scene *s) { return s->canvas.width / s->unit; }
static int units_high(const struct scene *s) { return s->canvas.height / s->unit; }

static struct rect scaled(const struct scene *s, int x, int y, int w, int h)
{
    return (struct rect){x * s->unit, y * s->unit, w * s->unit, h * s->unit};
}

/* Where scroll, motion and words are painted: all but the side column and the line of help. */
static struct rect zone_rect(const struct scene *s)
{
    return scaled(s, 0, 0, units_wide(s) - 304, units_high(s) - 48);
}
static struct rect stage_rect(const struct scene *s)
{
    return scaled(s, 24, 228, units_wide(s) - 336, units_high(s) - 284);
}
static struct rect nonce_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 24, 256, 64); }
static struct rect pointer_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 112, 256, 88); }
static struct rect patch_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 224, 96, 64); }
static struct rect last_key_rect(const struct scene *s) { return scaled(s, units_wide(s) - 172, 224, 148, 64); }
static struct rect keys_rect(const struct scene *s) { return scaled(s, units_wide(s) - 280, 296, 256, 192); }
static struct rect small_rect(const struct scene *s) { return scaled(s, 38, 264, 200, 20); }

/* ---- the crosshair floats above everything else ---- */

static struct rect cross_rect(const struct scene *s, int cx, int cy)
{
    int x0 = cx - CROSS_ARM, y0 = cy - CROSS_ARM, x1 = cx + CROSS_ARM + 1, y1 = cy + CROSS_ARM + 1;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > s->canvas.width ? s->canvas.width : x1;
    y1 = y1 > s->canvas.height ? s->canvas.height : y1;
    return (struct rect){x0, y0, x1 - x0, y1 - y0};
}

/* Takes the crosshair off the canvas if it touches r; returns whether it did. */
static int lift_cross(struct scene *s, struct rect r)
{
    struct rect c = cross_rect(s, s->cross_x, s->cross_y);
    if (!s->cross_shown || c.x >= r.x + r.w || r.x >= c.x + c.w || c.y >= r.y + r.h || r.y >= c.y + c.h)
        return 0;
    for (int y = 0; y < c.h; y++)
        for (int x = 0; x < c.w; x++)
            *pixel(&s->canvas, c.x + x, c.y + y) = s->cross_under[y][x];
    s->cross_shown = 0;
    return 1;
}

static void fill_clipped(struct scene *s, struct rect r, struct rect clip, uint32_t colour)
{
    int x0 = r.x > clip.x ? r.x : clip.x, x1 = r.x + r.w < clip.x + clip.w ? r.x + r.w : clip.x + clip.w;
    int y0 = r.y > clip.y ? r.y : clip.y, y1 = r.y + r.h < clip.y + clip.h ? r.y + r.h : clip.y + clip.h;
    if (x0 < x1 && y0 < y1)
        fill(&s->canvas, (struct rect){x0, y0, x1 - x0, y1 - y0}, colour);
}

static void drop_cross(struct scene *s)
{
    struct rect c = cross_rect(s, s->x, s->y);
    for (int y = 0; y < c.h; y++)
        for (int x = 0; x < c.w; x++)
            s->cross_under[y][x] = *pixel(&s->canvas, c.x + x, c.y + y);
    int a = CROSS_ARM, x = s->x, y = s->y;
    fill_clipped(s, (struct rect){x - a, y - 1, 2 * a + 1, 3}, c, CROSS_EDGE);
    fill_clipped(s, (struct rect){x - 1, y - a, 3, 2 * a + 1}, c, CROSS_EDGE);
    fill_clipped(s, (struct rect){x - a + 1, y, 2 * a - 1, 1}, c, CROSS);
    fill_clipped(s, (struct rect){x, y - a + 1, 1, 2 * a - 1}, c, CROSS);
    s->cross_x = x;
    s->cross_y = y;
    s->cross_shown = 1;
}

/* ---- machine-readable blocks: rows of 16 cells, top bit left ---- */

static void code(struct scene *s, struct rect r, const uint16_t *rows, int count)
{
    int cell = CELL * s->unit;
    for (int row = 0; row < count; row++)
        for (int column = 0; column < CELLS; column++)
            fill(&s->canvas, (struct rect){r.x + column * cell, r.y + row * cell, cell, cell},
                 rows[row] >> (CELLS - 1 - column) & 1 ? CELL_LIGHT : CELL_DARK);
}

static char *put_text(char *at, const char *string)
{
    while (*string)
        *at++ = *string++;
    *at = 0;
    return at;
}

static char *put_number(char *at, unsigned value, unsigned base, int digits, char pad)
{
    for (int i = digits - 1; i >= 0; i--, value /= base)
        at[i] = value || i == digits - 1 || pad == '0' ? "0123456789ABCDEF"[value % base] : pad;
    at[digits] = 0;
    return at + digits;
}

static void paint_pointer(struct scene *s)
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

static void paint_patch(struct scene *s)
{
    fill(&s->canvas, patch_rect(s), s->patch ? CELL_LIGHT : CELL_DARK);
}

static void paint_keys(struct scene *s)
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

/* ---- the still picture ---- */

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

/* The stage's ground inside r, which lies well within the stage. */
static void stage_ground(struct scene *s, struct rect r)
{
    struct rect stage = stage_rect(s);
    int pitch = 32 * s->unit, dot = 2 * s->unit;
    fill(&s->canvas, r, STAGE);
    for (int y = stage.y + pitch; y < stage.y + stage.h - dot; y += pitch)
        for (int x = stage.x + pitch; x < stage.x + stage.w - dot; x += pitch)
            fill_clipped(s, (struct rect){x, y, dot, dot}, r, DOT);
}

static void paint_left(struct scene *s)
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

static uint32_t next_random(struct scene *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

/* A line of coloured words, other ones at every call. */
static void word_line(struct scene *s, int y)
{
    struct rect zone = zone_rect(s);
    int columns = zone.w / (8 * s->unit) - 2, column = 0;
    for (;;) {
        const char *word = WORDS[next_random(s) >> 8 & 31];
        uint32_t ink = INKS[next_random(s) >> 8 & 7];
        int length = 0;
        while (word[length])
            length++;
        if (column + length > columns)
            return;
        text(&s->canvas, zone.x + (column + 1) * 8 * s->unit, y, s->unit, FONT_SMALL, ink, word);
        column += length + 1;
    }
}

static void paint_words(struct scene *s)
{
    struct rect zone = zone_rect(s);
    int line = 16 * s->unit;
    s->random = (s->nonce ^ 0x9e3779b9) | 1;
    fill(&s->canvas, zone, TERMINAL);
    for (int y = zone.y; y + line <= zone.y + zone.h; y += line)
        word_line(s, y);
}

static void paint_zone(struct scene *s)
{
    if (s->run == RUN_WORDS || s->run == RUN_SCROLL)
        paint_words(s);
    else
        paint_left(s);
}

static void paint_rest(struct scene *s)
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
    uint16_t rows[4] = {FINDER, s->nonce >> 16, s->nonce, (s->nonce >> 16 ^ s->nonce ^ NONCE_CHECK)};
    code(s, nonce_rect(s), rows, 4);
    paint_pointer(s);
    paint_patch(s);
    paint_keys(s);
}

/* ---- motion ---- */

static uint32_t tile[TILE][TILE];

/* A smooth wave of period 512, 0 to 255. */
static int wave(int t)
{
    int half = t & 255, hump = half * (256 - half) >> 7;
    return t & 256 ? 127 - (hump > 127 ? 127 : hump) : 128 + (hump > 127 ? 127 : hump);
}

static void paint_tile(struct scene *s)
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

static void paint_motion(struct scene *s)
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

static void paint_scroll(struct scene *s)
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

static void paint_small(struct scene *s)
{
    struct rect r = small_rect(s);
    char line[24];
    put_number(put_text(line, "frame "), s->frame, 10, 8, '0');
    fill(&s->canvas, r, 0x200040 + ((s->frame * 7 & 0x7f) << 8));
    text(&s->canvas, r.x + 6 * s->unit, r.y + 2 * s->unit, s->unit, FONT_SMALL, INKS[s->frame & 7], line);
}

/* Where the ball's top left corner may go. */
static struct rect ball_space(const struct scene *s)
{
    struct rect stage = stage_rect(s);
    int u = s->unit;
    return (struct rect){stage.x + 14 * u, stage.y + 36 * u, stage.w - (28 + BALL_SIZE) * u,
                         stage.h - (50 + BALL_SIZE) * u};
}

static struct rect ball_rect(const struct scene *s)
{
    return (struct rect){s->ball_x, s->ball_y, BALL_SIZE * s->unit, BALL_SIZE * s->unit};
}

static void paint_ball(struct scene *s)
{
    struct rect r = ball_rect(s);
    int u = s->unit;
    fill_rounded(&s->canvas, r, 14 * u, BALL);
    fill_rounded(&s->canvas, (struct rect){r.x + 20 * u, r.y + 20 * u, 24 * u, 24 * u}, 8 * u, BALL_CORE);
}

static struct rect move_ball(struct scene *s)
{
    struct rect space = ball_space(s), old = ball_rect(s);
    int step = 8 * s->unit;
    stage_ground(s, old);
    s->ball_x += s->ball_dx * step;
    s->ball_y += s->ball_dy * step;
    if (s->ball_x < space.x || s->ball_x > space.x + space.w) {
        s->ball_dx = -s->ball_dx;
        s->ball_x += 2 * s->ball_dx * step;
    }
    if (s->ball_y < space.y || s->ball_y > space.y + space.h) {
        s->ball_dy = -s->ball_dy;
        s->ball_y += 2 * s->ball_dy * step;
    }
    paint_ball(s);
    struct rect now = ball_rect(s);
    int x0 = old.x < now.x ? old.x : now.x, y0 = old.y < now.y ? old.y : now.y;
    int dx = old.x < now.x ? now.x - old.x : old.x - now.x, dy = old.y < now.y ? now.y - old.y : old.y - now.y;
    return (struct rect){x0, y0, now.w + dx, now.h + dy};
}

/* ---- what the platform calls ---- */

void scene_init(struct scene *s, uint32_t nonce, enum run run)
{
    *s = (struct scene){.nonce = nonce, .run = run, .ball_dx = 1, .ball_dy = 1};
    paint_tile(s);
}

/* Begins the present run mode on a zone just painted. */
static void begin_run(struct scene *s)
{
    struct rect space = ball_space(s);
    s->frame = 0;
    s->ball_x = space.x + space.w / 3;
    s->ball_y = space.y + space.h / 3;
    if (s->run == RUN_DEMO)
        paint_ball(s);
}

void scene_resize(struct scene *s, struct canvas canvas)
{
    int units = canvas.width / 1280 < canvas.height / 720 ? canvas.width / 1280 : canvas.height / 720;
    int shown = s->cross_shown; /* the pointer has moved; else it stays in the middle of any size */
    s->canvas = canvas;
    s->unit = units > 1 ? units : 1;
    s->x = !shown ? canvas.width / 2 : s->x < canvas.width ? s->x : canvas.width - 1;
    s->y = !shown ? canvas.height / 2 : s->y < canvas.height ? s->y : canvas.height - 1;
    paint_rest(s);
    paint_zone(s);
    begin_run(s);
    if (shown)
        drop_cross(s);
    scene_damage((struct rect){0, 0, canvas.width, canvas.height});
}

static void set_run(struct scene *s, enum run run)
{
    struct rect zone = zone_rect(s);
    int lifted = lift_cross(s, zone);
    s->run = run;
    paint_zone(s);
    begin_run(s);
    if (lifted)
        drop_cross(s);
    scene_damage(zone);
}

void scene_key(struct scene *s, unsigned qnum, int down)
{
    struct rect patch = patch_rect(s), last = last_key_rect(s), keys = keys_rect(s);
    struct rect rest = {keys.x, last.y, keys.w, keys.y + keys.h - last.y};
    int lifted = lift_cross(s, rest);
    if (down) {
        s->patch = !s->patch;
        paint_patch(s);
        scene_damage(patch);
    }
    for (int i = 0; i < KEY_HISTORY - 1; i++)
        s->keys[i] = s->keys[i + 1];
    s->keys[KEY_HISTORY - 1] = 0x200 | (down ? 0x100 : 0) | (qnum & 0xff);
    s->key_events++;
    paint_keys(s);
    if (lifted)
        drop_cross(s);
    scene_damage(rest);
    static const enum run RUNS[5] = {RUN_STILL, RUN_SMALL, RUN_SCROLL, RUN_MOTION, RUN_MOTION60};
    if (down && qnum >= QNUM_F1 && qnum < QNUM_F1 + 5)
        set_run(s, RUNS[qnum - QNUM_F1]);
    else if (down && qnum == QNUM_F8)
        set_run(s, RUN_WORDS);
}

void scene_pointer(struct scene *s, int x, int y, unsigned buttons, int wheel_steps)
{
    struct rect all = {0, 0, s->canvas.width, s->canvas.height}, card = pointer_rect(s);
    struct rect old = cross_rect(s, s->cross_x, s->cross_y);
    if (lift_cross(s, all))
        scene_damage(old);
    s->x = x < 0 ? 0 : x >= s->canvas.width ? s->canvas.width - 1 : x;
    s->y = y < 0 ? 0 : y >= s->canvas.height ? s->canvas.height - 1 : y;
    s->buttons = buttons & 0x1f;
    s->wheel = (int8_t)(s->wheel + wheel_steps);
    paint_pointer(s);
    drop_cross(s);
    scene_damage(cross_rect(s, s->x, s->y));
    scene_damage(card);
}

unsigned scene_hz(const struct scene *s)
{
    static const unsigned HZ[] = {
        [RUN_STILL] = 0,   [RUN_DEMO] = 5,    [RUN_SMALL] = 30,    [RUN_SMALL60] = 60,
        [RUN_SCROLL] = 30, [RUN_MOTION] = 30, [RUN_MOTION60] = 60, [RUN_WORDS] = 0,
    };
    return HZ[s->run];
}

void scene_tick(struct scene *s)
{
    struct rect zone = zone_rect(s), stage = stage_rect(s), r;
    s->frame++;
    if (s->run == RUN_STILL || s->run == RUN_WORDS)
        return;
    int small = s->run == RUN_SMALL || s->run == RUN_SMALL60;
    int lifted = lift_cross(s, small ? small_rect(s) : s->run == RUN_DEMO ? stage : zone);
    if (s->run == RUN_DEMO) {
        r = move_ball(s);
    } else if (small) {
        paint_small(s);
        r = small_rect(s);
    } else {
        if (s->run == RUN_SCROLL)
            paint_scroll(s);
        else
            paint_motion(s);
        r = zone;
    }
    if (lifted)
        drop_cross(s);
    scene_damage(r);
}

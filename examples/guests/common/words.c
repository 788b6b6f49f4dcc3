#include "words.h"
#include "draw.h"
#include "layout.h"
#include "paint.h"

const uint32_t INKS[8] = {0xe2e8f0, 0xfca5a5, 0xfdba74, 0xfde047, 0x86efac, 0x67e8f9, 0x93c5fd, 0xf0abfc};
const char *const WORDS[32] = {
    "kernel", "guest", "console", "frame", "damage", "stride", "scanout", "pixel", "offer", "answer", "track",
    "virtio", "usb", "pci", "irq", "ok", "mount", "eth0", "ssh", "login", "0x7f3a", "1080p", "done", "sha256",
    "packet", "jitter", "codec", "latency", "[info]", "/dev/vda", "--help", "100%",
};

char *put_text(char *at, const char *string)
{
    while (*string)
        *at++ = *string++;
    *at = 0;
    return at;
}

char *put_number(char *at, unsigned value, unsigned base, int digits, char pad)
{
    for (int i = digits - 1; i >= 0; i--, value /= base)
        at[i] = value || i == digits - 1 || pad == '0' ? "0123456789ABCDEF"[value % base] : pad;
    at[digits] = 0;
    return at + digits;
}

uint32_t next_random(struct scene *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

void word_line(struct scene *s, int y)
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

void paint_words(struct scene *s)
{
    struct rect zone = zone_rect(s);
    int line = 16 * s->unit;
    s->random = (s->nonce ^ 0x9e3779b9) | 1;
    fill(&s->canvas, zone, TERMINAL);
    for (int y = zone.y; y + line <= zone.y + zone.h; y += line)
        word_line(s, y);
}

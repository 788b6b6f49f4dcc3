#include "draw.h"
#include "font.h"

static uint32_t glyph_row(enum font_size size, char ch, int row)
{
    if (size == FONT_SMALL)
        return (uint32_t)font_8x16[ch - 32][row] << 24;
    if (size == FONT_TITLE)
        return (uint32_t)font_16x32[ch - 32][row] << 16;
    return font_32x64[ch <= '9' ? ch - '0' : ch - 'A' + 10][row];
}

void text(const struct canvas *c, int x, int y, int unit, enum font_size size, uint32_t colour, const char *string)
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

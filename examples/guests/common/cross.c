#include "draw.h"
#include "layout.h"
#include "paint.h"

struct rect cross_rect(const struct scene *s, int cx, int cy)
{
    int x0 = cx - CROSS_ARM, y0 = cy - CROSS_ARM, x1 = cx + CROSS_ARM + 1, y1 = cy + CROSS_ARM + 1;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > s->canvas.width ? s->canvas.width : x1;
    y1 = y1 > s->canvas.height ? s->canvas.height : y1;
    return (struct rect){x0, y0, x1 - x0, y1 - y0};
}

int lift_cross(struct scene *s, struct rect r)
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

void drop_cross(struct scene *s)
{
    struct rect c = cross_rect(s, s->x, s->y);
    for (int y = 0; y < c.h; y++)
        for (int x = 0; x < c.w; x++)
            s->cross_under[y][x] = *pixel(&s->canvas, c.x + x, c.y + y);
    int a = CROSS_ARM, x = s->x, y = s->y;
    fill_clipped(&s->canvas, (struct rect){x - a, y - 1, 2 * a + 1, 3}, c, CROSS_EDGE);
    fill_clipped(&s->canvas, (struct rect){x - 1, y - a, 3, 2 * a + 1}, c, CROSS_EDGE);
    fill_clipped(&s->canvas, (struct rect){x - a + 1, y, 2 * a - 1, 1}, c, CROSS);
    fill_clipped(&s->canvas, (struct rect){x, y - a + 1, 1, 2 * a - 1}, c, CROSS);
    s->cross_x = x;
    s->cross_y = y;
    s->cross_shown = 1;
}

#include "draw.h"
#include "layout.h"
#include "paint.h"

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

void begin_ball(struct scene *s)
{
    struct rect space = ball_space(s);
    s->ball_x = space.x + space.w / 3;
    s->ball_y = space.y + space.h / 3;
    if (s->run == RUN_DEMO)
        paint_ball(s);
}

struct rect move_ball(struct scene *s)
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

#include "scene.h"
#include "layout.h"
#include "paint.h"

void scene_init(struct scene *s, uint32_t nonce, enum run run)
{
    *s = (struct scene){.nonce = nonce, .run = run, .ball_dx = 1, .ball_dy = 1};
    paint_tile(s);
}

static void paint_zone(struct scene *s)
{
    if (s->run == RUN_WORDS || s->run == RUN_SCROLL)
        paint_words(s);
    else
        paint_left(s);
}

/* Begins the present run mode on a zone just painted. */
static void begin_run(struct scene *s)
{
    s->frame = 0;
    begin_ball(s);
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

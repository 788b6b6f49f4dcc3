/* The parts of a scene's picture. What is painted is reported by the caller, with scene_damage(). */
#pragma once
#include "scene.h"

/* still.c */
void paint_rest(struct scene *s); /* the side column and the line of help */
void paint_left(struct scene *s); /* the zone: title, colour bars, stage */
void stage_ground(struct scene *s, struct rect r); /* inside r, which lies well within the stage */

/* blocks.c: what programs read from the picture */
void paint_nonce(struct scene *s);
void paint_pointer(struct scene *s);
void paint_patch(struct scene *s);
void paint_keys(struct scene *s);

/* words.c: text in the zone */
void paint_words(struct scene *s);
void word_line(struct scene *s, int y); /* other words at every call */
uint32_t next_random(struct scene *s);

/* motion.c: what moves in the zone */
void paint_tile(struct scene *s); /* once, before the first paint_motion() */
void paint_motion(struct scene *s);
void paint_scroll(struct scene *s);
void paint_small(struct scene *s);

/* ball.c: what moves in the stage */
void begin_ball(struct scene *s);
struct rect move_ball(struct scene *s); /* returns what has changed */

/* cross.c: the crosshair floats above everything else */
struct rect cross_rect(const struct scene *s, int cx, int cy);
int lift_cross(struct scene *s, struct rect r); /* takes it off if it touches r; returns whether it did */
void drop_cross(struct scene *s); /* puts it where the pointer is */

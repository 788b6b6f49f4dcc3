/* A DRM device's screens: dumb framebuffers, dirty rectangles, hardware cursors; and the host's wishes for their size. */
#pragma once
#include "../common/scene.h"

enum { SCREENS_MAX = 4 };

/* Opens the first card; how many screens it can have, -1 with a message if there is none. */
int drm_open(void);

/* The size the host wants this screen to have (its connector's preferred mode); 0 where it wants it off. */
int drm_wanted(int screen, int *width, int *height);

/* A new framebuffer, not shown yet. Returns a canvas to paint on; its pixels are 0 on failure. */
struct canvas drm_new_canvas(int screen, int width, int height);

/* Shows the last new canvas and frees the one before. */
void drm_show(int screen);

/* Switches the screen off, or shows the same canvas again. */
void drm_switch(int screen, int on);

/* Sends a rectangle of the shown canvas to the host, now. */
void drm_flush(int screen, struct rect r);

enum { CURSOR_SIZE = 64 };

/* pixels: CURSOR_SIZE squared, A8R8G8B8, premultiplied; the hot spot is the top left corner. */
void drm_set_cursor(int screen, const uint32_t *pixels);
void drm_move_cursor(int screen, int x, int y);

/* What tells that the host may want something else, for poll(); -1 with a message on failure. */
int drm_watch(void);

/* Reads what it has; whether drm_wanted() may say something new. */
int drm_wants_changed(int watch);

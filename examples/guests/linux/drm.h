/* A DRM device with one screen: dumb framebuffer, dirty rectangles, hardware cursor. */
#pragma once
#include "../common/scene.h"

/* Opens the first card; -1 with a message if there is none. */
int drm_open(void);

/* The mode the host asks for (the connector's preferred one). */
void drm_preferred(int *width, int *height);

/* A new framebuffer, not shown yet. Returns a canvas to paint on; its pixels are 0 on failure. */
struct canvas drm_new_canvas(int width, int height);

/* Shows the last new canvas and frees the one before. */
void drm_show(void);

/* Sends a rectangle of the shown canvas to the host, now. */
void drm_flush(struct rect r);

enum { CURSOR_SIZE = 64 };

/* pixels: CURSOR_SIZE squared, A8R8G8B8, premultiplied; the hot spot is the top left corner. */
void drm_set_cursor(const uint32_t *pixels);
void drm_move_cursor(int x, int y);

#include "drm.h"
#include "drm_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct buffer {
    uint32_t handle, framebuffer;
    int width, height;
    size_t size;
    void *pixels;
    int stride;
};

static int card = -1;
static uint32_t crtc, connector;
static struct drm_mode_modeinfo preferred;
static struct buffer shown, next;

static int call(unsigned long request, void *argument, const char *what)
{
    int result;
    do
        result = ioctl(card, request, argument);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        printf("demo: %s: %s\n", what, strerror(errno));
    return result;
}

/* Takes the connector's first mode, unless one is marked preferred. */
static void probe(void)
{
    static struct drm_mode_modeinfo modes[128];
    uint32_t encoders[8];
    struct drm_mode_get_connector info = {.connector_id = connector};
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &info, "get connector") < 0 || info.count_modes > 128)
        return;
    info.modes_ptr = (uintptr_t)modes;
    info.encoders_ptr = (uintptr_t)encoders;
    info.count_props = 0;
    if (info.count_encoders > 8)
        info.count_encoders = 0;
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &info, "get connector") < 0 || info.count_modes == 0)
        return;
    preferred = modes[0];
    for (uint32_t i = 0; i < info.count_modes; i++)
        if (modes[i].type & DRM_MODE_TYPE_PREFERRED)
            preferred = modes[i];
}

int drm_open(void)
{
    uint32_t crtcs[16], connectors[16];
    struct drm_mode_card_res resources = {
        .crtc_id_ptr = (uintptr_t)crtcs,
        .connector_id_ptr = (uintptr_t)connectors,
        .count_crtcs = 16,
        .count_connectors = 16,
    };
    card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
    if (card < 0) {
        printf("demo: /dev/dri/card0: %s\n", strerror(errno));
        return -1;
    }
    if (call(DRM_IOCTL_MODE_GETRESOURCES, &resources, "get resources") < 0 || !resources.count_crtcs)
        return -1;
    crtc = crtcs[0];
    connector = connectors[0];
    probe();
    return 0;
}

void drm_preferred(int *width, int *height)
{
    *width = preferred.hdisplay;
    *height = preferred.vdisplay;
}

static int map(struct buffer *b)
{
    struct drm_mode_map_dumb where = {.handle = b->handle};
    if (call(DRM_IOCTL_MODE_MAP_DUMB, &where, "map") < 0)
        return -1;
    b->pixels = mmap(0, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)where.offset);
    return b->pixels == MAP_FAILED ? -1 : 0;
}

static int create(struct buffer *b, int width, int height)
{
    struct drm_mode_create_dumb dumb = {.width = (uint32_t)width, .height = (uint32_t)height, .bpp = 32};
    if (call(DRM_IOCTL_MODE_CREATE_DUMB, &dumb, "create buffer") < 0)
        return -1;
    *b = (struct buffer){.handle = dumb.handle, .width = width, .height = height, .size = dumb.size};
    b->stride = (int)dumb.pitch / 4;
    return map(b);
}

struct canvas drm_new_canvas(int width, int height)
{
    if (create(&next, width, height) < 0)
        return (struct canvas){0};
    struct drm_mode_fb_cmd add = {
        .width = (uint32_t)width,
        .height = (uint32_t)height,
        .pitch = (uint32_t)next.stride * 4,
        .bpp = 32,
        .depth = 24,
        .handle = next.handle,
    };
    if (call(DRM_IOCTL_MODE_ADDFB, &add, "add framebuffer") < 0)
        return (struct canvas){0};
    next.framebuffer = add.fb_id;
    return (struct canvas){next.pixels, width, height, next.stride};
}

/* A mode of any size: a virtual screen has no timings to respect. */
static struct drm_mode_modeinfo mode_of(const struct buffer *b)
{
    struct drm_mode_modeinfo mode = {
        .hdisplay = (uint16_t)b->width,
        .hsync_start = (uint16_t)(b->width + 8),
        .hsync_end = (uint16_t)(b->width + 16),
        .htotal = (uint16_t)(b->width + 32),
        .vdisplay = (uint16_t)b->height,
        .vsync_start = (uint16_t)(b->height + 2),
        .vsync_end = (uint16_t)(b->height + 4),
        .vtotal = (uint16_t)(b->height + 8),
        .vrefresh = 60,
        .type = DRM_MODE_TYPE_USERDEF,
    };
    mode.clock = (uint32_t)mode.htotal * mode.vtotal * 60 / 1000;
    snprintf(mode.name, sizeof mode.name, "%dx%d", b->width, b->height);
    return mode;
}

void drm_show(void)
{
    struct drm_mode_crtc set = {
        .set_connectors_ptr = (uintptr_t)&connector,
        .count_connectors = 1,
        .crtc_id = crtc,
        .fb_id = next.framebuffer,
        .mode_valid = 1,
        .mode = mode_of(&next),
    };
    call(DRM_IOCTL_MODE_SETCRTC, &set, "set mode");
    if (shown.handle) {
        struct drm_mode_destroy_dumb destroy = {.handle = shown.handle};
        munmap(shown.pixels, shown.size);
        call(DRM_IOCTL_MODE_RMFB, &shown.framebuffer, "remove framebuffer");
        call(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy, "free buffer");
    }
    shown = next;
    next = (struct buffer){0};
    drm_flush((struct rect){0, 0, shown.width, shown.height});
}

void drm_flush(struct rect r)
{
    struct drm_clip_rect clip = {
        (uint16_t)r.x,
        (uint16_t)r.y,
        (uint16_t)(r.x + r.w),
        (uint16_t)(r.y + r.h),
    };
    struct drm_mode_fb_dirty_cmd dirty = {
        .fb_id = shown.framebuffer,
        .num_clips = 1,
        .clips_ptr = (uintptr_t)&clip,
    };
    if (!next.handle) /* else a canvas is being painted that is not shown yet */
        call(DRM_IOCTL_MODE_DIRTYFB, &dirty, "flush");
}

void drm_set_cursor(const uint32_t *pixels)
{
    static struct buffer cursor;
    if (create(&cursor, CURSOR_SIZE, CURSOR_SIZE) < 0)
        return;
    memcpy(cursor.pixels, pixels, CURSOR_SIZE * CURSOR_SIZE * 4);
    struct drm_mode_cursor2 set = {
        .flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
        .crtc_id = crtc,
        .width = CURSOR_SIZE,
        .height = CURSOR_SIZE,
        .handle = cursor.handle,
        .x = shown.width / 2,
        .y = shown.height / 2,
    };
    call(DRM_IOCTL_MODE_CURSOR2, &set, "set cursor");
}

void drm_move_cursor(int x, int y)
{
    struct drm_mode_cursor move = {.flags = DRM_MODE_CURSOR_MOVE, .crtc_id = crtc, .x = x, .y = y};
    call(DRM_IOCTL_MODE_CURSOR, &move, "move cursor");
}

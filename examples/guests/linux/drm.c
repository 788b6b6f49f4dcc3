#define _GNU_SOURCE
#include "drm.h"
#include "drm_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct buffer {
    uint32_t handle, framebuffer;
    int width, height;
    size_t size;
    void *pixels;
    int stride;
};

struct screen {
    uint32_t crtc, connector;
    struct buffer shown, next;
    int off;
};

static int card = -1;
static struct screen screens[SCREENS_MAX];

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
    /* virtio-gpu has a CRTC for each connector, in the same order. */
    int count = 0;
    for (uint32_t i = 0; i < resources.count_crtcs && i < resources.count_connectors && count < SCREENS_MAX; i++)
        screens[count++] = (struct screen){.crtc = crtcs[i], .connector = connectors[i]};
    return count;
}

/* The connector's first mode, unless one is marked preferred. */
int drm_wanted(int screen, int *width, int *height)
{
    static struct drm_mode_modeinfo modes[128];
    uint32_t encoders[8];
    struct drm_mode_get_connector info = {.connector_id = screens[screen].connector};
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &info, "get connector") < 0 || info.count_modes > 128)
        return 0;
    info.modes_ptr = (uintptr_t)modes;
    info.encoders_ptr = (uintptr_t)encoders;
    info.count_props = 0;
    if (info.count_encoders > 8)
        info.count_encoders = 0;
    if (call(DRM_IOCTL_MODE_GETCONNECTOR, &info, "get connector") < 0 || info.count_modes == 0)
        return 0;
    if (info.connection != DRM_MODE_CONNECTED)
        return 0;
    struct drm_mode_modeinfo *wanted = &modes[0];
    for (uint32_t i = 0; i < info.count_modes; i++)
        if (modes[i].type & DRM_MODE_TYPE_PREFERRED)
            wanted = &modes[i];
    *width = wanted->hdisplay;
    *height = wanted->vdisplay;
    return 1;
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

struct canvas drm_new_canvas(int screen, int width, int height)
{
    struct buffer *next = &screens[screen].next;
    if (create(next, width, height) < 0)
        return (struct canvas){0};
    struct drm_mode_fb_cmd add = {
        .width = (uint32_t)width,
        .height = (uint32_t)height,
        .pitch = (uint32_t)next->stride * 4,
        .bpp = 32,
        .depth = 24,
        .handle = next->handle,
    };
    if (call(DRM_IOCTL_MODE_ADDFB, &add, "add framebuffer") < 0)
        return (struct canvas){0};
    next->framebuffer = add.fb_id;
    return (struct canvas){next->pixels, width, height, next->stride};
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

static void set_crtc(struct screen *s, const struct buffer *b)
{
    struct drm_mode_crtc set = {
        .set_connectors_ptr = (uintptr_t)&s->connector,
        .count_connectors = 1,
        .crtc_id = s->crtc,
        .fb_id = b->framebuffer,
        .mode_valid = 1,
        .mode = mode_of(b),
    };
    call(DRM_IOCTL_MODE_SETCRTC, &set, "set mode");
}

void drm_show(int screen)
{
    struct screen *s = &screens[screen];
    set_crtc(s, &s->next);
    if (s->shown.handle) {
        struct drm_mode_destroy_dumb destroy = {.handle = s->shown.handle};
        munmap(s->shown.pixels, s->shown.size);
        call(DRM_IOCTL_MODE_RMFB, &s->shown.framebuffer, "remove framebuffer");
        call(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy, "free buffer");
    }
    s->shown = s->next;
    s->next = (struct buffer){0};
    s->off = 0;
    drm_flush(screen, (struct rect){0, 0, s->shown.width, s->shown.height});
}

void drm_switch(int screen, int on)
{
    struct screen *s = &screens[screen];
    struct drm_mode_crtc none = {.crtc_id = s->crtc};
    s->off = !on;
    if (!on) {
        call(DRM_IOCTL_MODE_SETCRTC, &none, "switch off");
    } else {
        set_crtc(s, &s->shown);
        drm_flush(screen, (struct rect){0, 0, s->shown.width, s->shown.height});
    }
}

void drm_flush(int screen, struct rect r)
{
    struct screen *s = &screens[screen];
    struct drm_clip_rect clip = {
        (uint16_t)r.x,
        (uint16_t)r.y,
        (uint16_t)(r.x + r.w),
        (uint16_t)(r.y + r.h),
    };
    struct drm_mode_fb_dirty_cmd dirty = {
        .fb_id = s->shown.framebuffer,
        .num_clips = 1,
        .clips_ptr = (uintptr_t)&clip,
    };
    if (!s->next.handle && !s->off) /* else a canvas is being painted that is not shown yet */
        call(DRM_IOCTL_MODE_DIRTYFB, &dirty, "flush");
}

void drm_set_cursor(int screen, const uint32_t *pixels)
{
    static struct buffer cursors[SCREENS_MAX];
    struct buffer *cursor = &cursors[screen];
    if (!cursor->handle && create(cursor, CURSOR_SIZE, CURSOR_SIZE) < 0)
        return;
    memcpy(cursor->pixels, pixels, CURSOR_SIZE * CURSOR_SIZE * 4);
    struct drm_mode_cursor2 set = {
        .flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
        .crtc_id = screens[screen].crtc,
        .width = CURSOR_SIZE,
        .height = CURSOR_SIZE,
        .handle = cursor->handle,
        .x = screens[screen].shown.width / 2,
        .y = screens[screen].shown.height / 2,
    };
    call(DRM_IOCTL_MODE_CURSOR2, &set, "set cursor");
}

void drm_move_cursor(int screen, int x, int y)
{
    struct drm_mode_cursor move = {
        .flags = DRM_MODE_CURSOR_MOVE,
        .crtc_id = screens[screen].crtc,
        .x = x,
        .y = y,
    };
    call(DRM_IOCTL_MODE_CURSOR, &move, "move cursor");
}

int drm_watch(void)
{
    struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (watch < 0 || bind(watch, (struct sockaddr *)&all, sizeof all) < 0)
        printf("demo: uevents: %s\n", strerror(errno));
    return watch;
}

int drm_wants_changed(int watch)
{
    char event[4096];
    int changed = 0;
    /* What was lost (ENOBUFS) may have been of ours. */
    for (ssize_t size; (size = recv(watch, event, sizeof event, 0)) > 0 || errno == ENOBUFS;)
        changed |= size < 0 || memmem(event, (size_t)size, "HOTPLUG=1", 10) != 0;
    return changed;
}

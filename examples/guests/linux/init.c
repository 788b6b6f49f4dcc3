/* The Linux demo guest: its only process. virtio-gpu, virtio-input; see drm.c and input.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "drm.h"
#include "input.h"

/* A screen's picture; the second one's nonce is one more than the first's, and so on. */
struct screen_state {
    struct scene scene;
    int wanted_width, wanted_height; /* by the host; 0: off */
    int on;
};

static struct screen_state screens[SCREENS_MAX];
static int screen_count;
static int painted; /* the screen whose scene is at work */

void scene_damage(struct rect r)
{
    drm_flush(painted, r);
}

/* /modules/order names the modules, each after those it depends on. */
static void load_modules(void)
{
    char name[64];
    FILE *order = fopen("/modules/order", "r");
    while (order && fscanf(order, "%63s", name) == 1) {
        char path[96];
        snprintf(path, sizeof path, "/modules/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        /* No console on our screen. */
        const char *parameters = strcmp(name, "drm_kms_helper") ? "" : "fbdev_emulation=0";
        if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) < 0)
            printf("demo: module %s: %s\n", name, strerror(errno));
        close(fd);
    }
    if (order)
        fclose(order);
}

static void put(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, value, strlen(value)) < 0)
        printf("demo: %s: %s\n", path, strerror(errno));
    close(fd);
}

static void wait_for(const char *path)
{
    struct stat ignored;
    for (int i = 0; i < 500 && stat(path, &ignored) < 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, 0);
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void set_mode(int screen, int width, int height)
{
    struct canvas canvas = drm_new_canvas(screen, width, height);
    if (!canvas.pixels)
        return;
    painted = screen;
    scene_resize(&screens[screen].scene, canvas);
    drm_show(screen);
    screens[screen].on = 1;
    printf("demo: screen %d mode %dx%d\n", screen, width, height);
}

/* As the host wants it, whether or not we have it already. */
static void set_wanted_mode(int screen)
{
    struct screen_state *s = &screens[screen];
    set_mode(screen, clamp(s->wanted_width, SCENE_MIN_WIDTH, 4096), clamp(s->wanted_height, SCENE_MIN_HEIGHT, 4096));
}

static void switch_off(int screen)
{
    if (screens[screen].on)
        drm_switch(screen, 0);
    screens[screen].on = 0;
    printf("demo: screen %d off\n", screen);
}

/* Whether the host wants something else than before. */
static int ask_host(int screen)
{
    struct screen_state *s = &screens[screen];
    int width = 0, height = 0;
    drm_wanted(screen, &width, &height);
    int news = width != s->wanted_width || height != s->wanted_height;
    s->wanted_width = width;
    s->wanted_height = height;
    return news;
}

/* A classic arrow, white with a dark edge, its tip in the top left corner. */
static void set_cursor(int screen)
{
    static uint32_t pixels[CURSOR_SIZE * CURSOR_SIZE];
    enum { HEAD = 36, NOTCH = 26 };
    for (int y = 0; y < CURSOR_SIZE; y++)
        for (int x = 0; x < CURSOR_SIZE; x++) {
            int head = x <= y * 7 / 10 && y < HEAD && (y < NOTCH || x <= 2 * (HEAD - y) || x >= 10);
            int tail = y >= NOTCH && y < 50 && x >= 10 + (y - NOTCH) / 3 && x <= 17 + (y - NOTCH) / 3;
            pixels[y * CURSOR_SIZE + x] = head || tail ? 0xffffffff : 0;
        }
    for (int y = 0; y < CURSOR_SIZE; y++)
        for (int x = 0; x < CURSOR_SIZE; x++) {
            int inside = pixels[y * CURSOR_SIZE + x] == 0xffffffff;
            int edge = 0;
            for (int dy = -2; dy <= 2; dy++)
                for (int dx = -2; dx <= 2; dx++) {
                    int ny = y + dy, nx = x + dx;
                    edge |= nx < 0 || ny < 0 || nx >= CURSOR_SIZE || ny >= CURSOR_SIZE
                            || pixels[ny * CURSOR_SIZE + nx] == 0;
                }
            if (inside && edge)
                pixels[y * CURSOR_SIZE + x] = 0xff101820;
        }
    drm_set_cursor(screen, pixels);
}

static void follow_host(void)
{
    for (int i = 0; i < screen_count; i++) {
        if (!ask_host(i))
            continue;
        int first_time = !screens[i].scene.canvas.pixels;
        if (screens[i].wanted_width)
            set_wanted_mode(i);
        else
            switch_off(i);
        if (first_time && screens[i].on)
            set_cursor(i);
    }
}

static void on_key(int screen, unsigned qnum, int down)
{
    static const int SIZES[4][2] = {{1024, 768}, {1280, 800}, {800, 600}, {1023, 767}};
    static int next;
    if (screen >= screen_count || !screens[screen].scene.canvas.pixels)
        screen = 0;
    struct scene *scene = &screens[screen].scene;
    painted = screen;
    scene_key(scene, qnum, down);
    if (down && qnum == QNUM_F6) {
        if (SIZES[next][0] == scene->canvas.width && SIZES[next][1] == scene->canvas.height)
            next = (next + 1) % 4;
        set_mode(screen, SIZES[next][0], SIZES[next][1]);
        next = (next + 1) % 4;
    } else if (down && qnum == QNUM_F7) {
        set_mode(screen, 1920, 1080);
    } else if (down && qnum == QNUM_F9) {
        /* The second screen, whichever keyboard that was: a screen that is off has none to be switched on by. */
        if (screens[1].on) {
            switch_off(1);
        } else if (screens[1].scene.canvas.pixels) {
            drm_switch(1, 1);
            screens[1].on = 1;
        }
    }
}

/* QEMU made v of a pixel by rounding p * INPUT_ABS_MAX / size down; this is that p again. */
static int to_pixel(int v, int size)
{
    return (int)(((int64_t)v * size + INPUT_ABS_MAX - 1) / INPUT_ABS_MAX);
}

static void on_pointer(int screen, int absolute, int x, int y, unsigned buttons, int wheel)
{
    if (screen >= screen_count || !screens[screen].scene.canvas.pixels)
        screen = 0;
    struct scene *scene = &screens[screen].scene;
    int px = absolute ? to_pixel(x, scene->canvas.width) : scene->x + x;
    int py = absolute ? to_pixel(y, scene->canvas.height) : scene->y + y;
    painted = screen;
    scene_pointer(scene, px, py, buttons, wheel);
    drm_move_cursor(screen, scene->x, scene->y);
}

static void power_off(void)
{
    printf("demo: power button\n");
    sync();
    reboot(RB_POWER_OFF);
}

static void set_timer(int fd, unsigned hz)
{
    long period = hz ? 1000000000L / hz : 0;
    struct itimerspec every = {.it_interval.tv_nsec = period, .it_value.tv_nsec = period};
    timerfd_settime(fd, 0, &every, 0);
}

int main(void)
{
    static const struct input_event_sink SINK = {on_key, on_pointer, power_off};
    struct options options = {.run = RUN_DEMO};
    struct pollfd fds[INPUT_MAX + 2];
    char cmdline[2048] = "";

    setvbuf(stdout, 0, _IOLBF, 0);
    mount("dev", "/dev", "devtmpfs", 0, 0);
    mount("proc", "/proc", "proc", 0, 0);
    put("/proc/sys/kernel/printk", "1");
    put("/proc/sys/kernel/sysrq", "0");
    reboot(RB_DISABLE_CAD); /* Ctrl+Alt+Delete is a key combination like any other */
    FILE *file = fopen("/proc/cmdline", "r");
    if (file && fgets(cmdline, sizeof cmdline, file))
        options_parse(&options, cmdline);
    load_modules();
    wait_for("/dev/dri/card0");
    wait_for("/dev/input/event0");
    if ((screen_count = drm_open()) < 0)
        pause();
    int watch = drm_watch();
    for (int i = 0; i < screen_count; i++) {
        /* Only the first one moves by itself. */
        scene_init(&screens[i].scene, options.nonce + (uint32_t)i, i ? RUN_STILL : options.run);
        ask_host(i);
    }
    if (options.width)
        set_mode(0, options.width, options.height);
    else if (screens[0].wanted_width)
        set_wanted_mode(0);
    else
        set_mode(0, 1280, 800);
    for (int i = 1; i < screen_count; i++)
        if (screens[i].wanted_width)
            set_wanted_mode(i);
    for (int i = 0; i < screen_count; i++)
        if (screens[i].on)
            set_cursor(i);
    int devices = input_open(fds);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    fds[devices] = (struct pollfd){.fd = timer, .events = POLLIN};
    fds[devices + 1] = (struct pollfd){.fd = watch, .events = POLLIN};
    printf("demo: ready, nonce %08X\n", options.nonce);

    for (unsigned hz = 0;;) {
        unsigned fastest = 0;
        for (int i = 0; i < screen_count; i++)
            if (screens[i].on && scene_hz(&screens[i].scene) > fastest)
                fastest = scene_hz(&screens[i].scene);
        if (hz != fastest)
            set_timer(timer, hz = fastest);
        if (poll(fds, (nfds_t)devices + 2, -1) < 0)
            continue;
        for (int i = 0; i < devices; i++)
            if (fds[i].revents)
                input_read(i, &SINK);
        if (fds[devices + 1].revents && drm_wants_changed(watch))
            follow_host();
        uint64_t expired;
        if (fds[devices].revents && read(timer, &expired, sizeof expired) > 0)
            for (painted = 0; painted < screen_count; painted++)
                if (screens[painted].on)
                    scene_tick(&screens[painted].scene);
    }
}

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

static struct scene scene;

void scene_damage(struct rect r)
{
    drm_flush(r);
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

static void set_mode(int width, int height)
{
    struct canvas canvas = drm_new_canvas(width, height);
    if (!canvas.pixels)
        return;
    scene_resize(&scene, canvas);
    drm_show();
    printf("demo: mode %dx%d\n", width, height);
}

static void on_key(unsigned qnum, int down)
{
    static const int SIZES[4][2] = {{1024, 768}, {1280, 800}, {800, 600}, {1023, 767}};
    static int next;
    scene_key(&scene, qnum, down);
    if (down && qnum == QNUM_F6) {
        if (SIZES[next][0] == scene.canvas.width && SIZES[next][1] == scene.canvas.height)
            next = (next + 1) % 4;
        set_mode(SIZES[next][0], SIZES[next][1]);
        next = (next + 1) % 4;
    } else if (down && qnum == QNUM_F7) {
        set_mode(1920, 1080);
    }
}

/* QEMU made v of a pixel by rounding p * INPUT_ABS_MAX / size down; this is that p again. */
static int to_pixel(int v, int size)
{
    return (int)(((int64_t)v * size + INPUT_ABS_MAX - 1) / INPUT_ABS_MAX);
}

static void on_pointer(int absolute, int x, int y, unsigned buttons, int wheel)
{
    int px = absolute ? to_pixel(x, scene.canvas.width) : scene.x + x;
    int py = absolute ? to_pixel(y, scene.canvas.height) : scene.y + y;
    scene_pointer(&scene, px, py, buttons, wheel);
    drm_move_cursor(scene.x, scene.y);
}

static void power_off(void)
{
    printf("demo: power button\n");
    sync();
    reboot(RB_POWER_OFF);
}

/* A classic arrow, white with a dark edge, its tip in the top left corner. */
static void set_cursor(void)
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
    drm_set_cursor(pixels);
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
    struct pollfd fds[INPUT_MAX + 1];
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
    if (drm_open() < 0)
        pause();
    if (!options.width)
        drm_preferred(&options.width, &options.height);
    if (options.width < SCENE_MIN_WIDTH || options.height < SCENE_MIN_HEIGHT) {
        options.width = 1280;
        options.height = 800;
    }
    scene_init(&scene, options.nonce, options.run);
    set_mode(options.width, options.height);
    set_cursor();
    int devices = input_open(fds);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    fds[devices] = (struct pollfd){.fd = timer, .events = POLLIN};
    printf("demo: ready, nonce %08X\n", options.nonce);

    for (unsigned hz = 0;;) {
        if (hz != scene_hz(&scene))
            set_timer(timer, hz = scene_hz(&scene));
        if (poll(fds, (nfds_t)devices + 1, -1) < 0)
            continue;
        for (int i = 0; i < devices; i++)
            if (fds[i].revents)
                input_read(i, &SINK);
        uint64_t expired;
        if (fds[devices].revents && read(timer, &expired, sizeof expired) > 0)
            scene_tick(&scene);
    }
}

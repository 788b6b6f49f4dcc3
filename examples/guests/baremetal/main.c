/* The bare-metal demo guest: standard VGA, PS/2, PIT. */
#include "io.h"
#include "irq.h"
#include "ps2.h"
#include "vga.h"

enum { SERIAL = 0x3f8, PIT_MIN_HZ = 20 }; /* its 16-bit divisor ends at 18.2 Hz */
enum { MULTIBOOT_CMDLINE = 1 << 2 };

struct multiboot_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

static struct scene scene;

/* gcc may call these for plain loops and structure copies. */
void *memcpy(void *to, const void *from, unsigned count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    return to;
}

void *memset(void *to, int value, unsigned count)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
    return to;
}

void scene_damage(struct rect r)
{
    (void)r; /* the card's memory is the picture */
}

static void print(const char *string)
{
    for (; *string; string++) {
        while (!(in8(SERIAL + 5) & 0x20))
            ;
        out8(SERIAL, (uint8_t)*string);
    }
}

static void print_number(unsigned value, unsigned base)
{
    if (value >= base)
        print_number(value / base, base);
    print((char[2]){"0123456789ABCDEF"[value % base], 0});
}

static void set_mode(int width, int height)
{
    struct canvas canvas = vga_set_mode(width, height);
    scene_resize(&scene, canvas);
    print("demo: mode ");
    print_number((unsigned)canvas.width, 10);
    print("x");
    print_number((unsigned)canvas.height, 10);
    print("\n");
}

static void on_key(unsigned qnum, int down)
{
    static const int SIZES[3][2] = {{1024, 768}, {1280, 800}, {800, 600}};
    static int next;
    scene_key(&scene, qnum, down);
    if (down && qnum == QNUM_F6) {
        if (SIZES[next][0] == scene.canvas.width && SIZES[next][1] == scene.canvas.height)
            next = (next + 1) % 3;
        set_mode(SIZES[next][0], SIZES[next][1]);
        next = (next + 1) % 3;
    } else if (down && qnum == QNUM_F7) {
        set_mode(1920, 1080);
    }
}

static void on_byte(int byte)
{
    unsigned qnum, buttons;
    int down, dx, dy, wheel;
    if (byte & PS2_MOUSE) {
        if (ps2_mouse((unsigned char)byte, &dx, &dy, &buttons, &wheel))
            scene_pointer(&scene, scene.x + dx, scene.y + dy, buttons, wheel);
    } else if (ps2_key((unsigned char)byte, &qnum, &down)) {
        on_key(qnum, down);
    }
}

void main(const struct multiboot_info *info)
{
    struct options options = {.nonce = 0, .width = 1280, .height = 800, .run = RUN_DEMO};
    if (info->flags & MULTIBOOT_CMDLINE)
        options_parse(&options, (const char *)info->cmdline);
    if (!vga_find()) {
        print("demo: no VGA card\n");
        return;
    }
    irq_init();
    ps2_init();
    scene_init(&scene, options.nonce, options.run);
    set_mode(options.width, options.height);
    print("demo: ready, nonce ");
    print_number(options.nonce, 16);
    print("\n");

    unsigned hz = 0, divide = 1, pending = 0;
    for (;;) {
        int byte;
        while ((byte = irq_next_byte()) >= 0)
            on_byte(byte);
        if (hz != scene_hz(&scene)) {
            hz = scene_hz(&scene);
            divide = hz && hz < PIT_MIN_HZ ? (PIT_MIN_HZ + hz - 1) / hz : 1;
            pending = 0;
            irq_set_timer(hz * divide);
        }
        pending += irq_take_ticks();
        if (hz && pending >= divide) {
            pending = pending / divide > 2 ? 0 : pending - divide; /* too slow: skip, do not chase */
            scene_tick(&scene);
            continue;
        }
        irq_wait();
    }
}

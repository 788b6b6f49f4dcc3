/* A /dev/udmabuf without the kernel's driver, for QEMU alone, by LD_PRELOAD: Mesa's software renderer (llvmpipe) then
 * exports its textures as "DMA-BUFs" that are memfds. Who imports them needs no such help: llvmpipe asks what it imports
 * for its size, and maps it.
 * open("/dev/udmabuf") gives a marker; UDMABUF_CREATE on that gives another descriptor of the memfd. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UDMABUF_CREATE 0x40187542u /* _IOW('u', 0x42, struct udmabuf_create) */
#define MARK "fake-udmabuf"

struct udmabuf_create {
    uint32_t memfd, flags;
    uint64_t offset, size;
};

static int is_marker(int fd)
{
    char path[64], target[64];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return 0;
    target[length] = 0;
    return strncmp(target, "/memfd:" MARK, sizeof "/memfd:" MARK - 1) == 0;
}

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...)                            \
    {                                                                     \
        static int (*real)(const char *, int, ...);                       \
        mode_t mode = 0;                                                  \
        if (!real)                                                        \
            real = dlsym(RTLD_NEXT, #name);                               \
        if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {      \
            va_list rest;                                                 \
            va_start(rest, flags);                                        \
            mode = va_arg(rest, mode_t);                                  \
            va_end(rest);                                                 \
        }                                                                 \
        if (!strcmp(path, "/dev/udmabuf"))                                \
            return memfd_create(MARK, MFD_CLOEXEC);                       \
        return real(path, flags, mode);                                   \
    }
OPEN(open)
OPEN(open64)

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list rest;
    void *argument;

    if (!real)
        real = dlsym(RTLD_NEXT, "ioctl");
    va_start(rest, request);
    argument = va_arg(rest, void *);
    va_end(rest);
    if ((uint32_t)request == UDMABUF_CREATE && is_marker(fd)) {
        struct udmabuf_create *create = argument;
        /* Another descriptor is of the whole memfd, so it can stand for nothing less. */
        if (create->offset || (uint64_t)lseek(create->memfd, 0, SEEK_END) != create->size) {
            errno = EINVAL;
            return -1;
        }
        return fcntl(create->memfd, F_DUPFD_CLOEXEC, 3);
    }
    return real(fd, request, argument);
}

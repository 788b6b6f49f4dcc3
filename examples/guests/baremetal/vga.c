#include "vga.h"
#include "io.h"

/* docs/specs/standard-vga in QEMU; the register numbers are the Bochs VBE extension's. */
enum { DISPI_INDEX = 0x1ce, DISPI_DATA = 0x1cf };
enum { DISPI_XRES = 1, DISPI_YRES = 2, DISPI_BPP = 3, DISPI_ENABLE = 4, DISPI_VIRT_WIDTH = 6 };
enum { DISPI_ENABLED = 0x01, DISPI_LFB = 0x40 };
enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc };

static uint32_t *framebuffer;

static uint32_t pci_read(int device, int offset)
{
    out32(PCI_ADDRESS, 0x80000000u | (uint32_t)device << 11 | (uint32_t)offset);
    return in32(PCI_DATA);
}

int vga_find(void)
{
    for (int device = 0; device < 32; device++)
        if (pci_read(device, 8) >> 16 == 0x0300) /* class: VGA display */
            framebuffer = (uint32_t *)(pci_read(device, 0x10) & ~15u);
    return framebuffer != 0;
}

static void dispi_write(uint16_t index, uint16_t value)
{
    out16(DISPI_INDEX, index);
    out16(DISPI_DATA, value);
}

static int dispi_read(uint16_t index)
{
    out16(DISPI_INDEX, index);
    return in16(DISPI_DATA);
}

struct canvas vga_set_mode(int width, int height)
{
    dispi_write(DISPI_ENABLE, 0);
    dispi_write(DISPI_XRES, (uint16_t)width);
    dispi_write(DISPI_YRES, (uint16_t)height);
    dispi_write(DISPI_BPP, 32);
    dispi_write(DISPI_ENABLE, DISPI_ENABLED | DISPI_LFB);
    return (struct canvas){framebuffer, dispi_read(DISPI_XRES), dispi_read(DISPI_YRES), dispi_read(DISPI_VIRT_WIDTH)};
}

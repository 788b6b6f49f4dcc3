/* QEMU's standard VGA (1234:1111) in its Bochs DISPI modes, a linear framebuffer. */
#pragma once
#include "../common/scene.h"

/* Finds the framebuffer's PCI BAR; 0 if there is no such card. */
int vga_find(void);

/* Sets a mode of 32 bits a pixel, cleared. The card makes the width a multiple of 8. */
struct canvas vga_set_mode(int width, int height);

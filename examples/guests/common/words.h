/* Text that is written into lines of fixed size, and the words of RUN_WORDS and RUN_SCROLL. */
#pragma once
#include <stdint.h>

/* Both return the end of what they wrote, which is a zero byte. */
char *put_text(char *at, const char *string);
char *put_number(char *at, unsigned value, unsigned base, int digits, char pad);

extern const uint32_t INKS[8];
extern const char *const WORDS[32];

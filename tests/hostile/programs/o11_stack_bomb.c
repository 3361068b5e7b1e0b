// Recursion without end, one page touched in 64 KiB. Ceiling: 200 MiB of stack.
#include <stdio.h>

static int deeper(int level) {
    volatile char frame[65536];
    frame[0] = (char)level;
    if (level == 3200) {
        puts("BREACH 200 MiB of stack");
        fflush(stdout);
        return 1;
    }
    return deeper(level + 1) + frame[0];
}

int main(void) { return deeper(0) == 0; }

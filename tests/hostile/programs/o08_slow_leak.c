// Leaks up to nine tenths of its memory (96 MiB), which is its right.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    for (int mebibytes = 0; mebibytes < 84; ++mebibytes) {
        char *more = malloc(1 << 20);
        if (more == NULL) return puts("BREACH refused below the limit"), 0;
        memset(more, mebibytes + 1, 1 << 20);
    }
    puts("HELD 84 MiB");
    return 0;
}

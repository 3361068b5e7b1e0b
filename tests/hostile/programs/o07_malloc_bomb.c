// Touches page after page. Ceiling: 160 MiB.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    for (int mebibytes = 0; mebibytes < 160; ++mebibytes) {
        char *more = malloc(1 << 20);
        if (more == NULL) return puts("HELD malloc"), 0;
        memset(more, mebibytes + 1, 1 << 20);
    }
    puts("BREACH 160 MiB");
    return 0;
}

// Computes without end. Ceiling: 1.2 seconds of processor time.
#include <stdio.h>
#include <time.h>

int main(void) {
    while (clock() < CLOCKS_PER_SEC * 12 / 10) continue;
    puts("BREACH 1.2 seconds of processor time");
    return 0;
}

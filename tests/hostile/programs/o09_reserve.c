// Reserves a tebibyte of addresses and uses none of it: Go, Java and Node begin like that.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
    const void *map = mmap(NULL, 1UL << 40, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    puts(map == MAP_FAILED ? "BREACH addresses are counted as memory" : "HELD addresses are free");
    return 0;
}

// Four threads compute without end. Ceiling: 1.5 seconds of processor time, of all together.
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *spin(void *nothing) {
    while (clock() < CLOCKS_PER_SEC * 15 / 10) continue;
    return nothing;
}

int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, spin, NULL);
    for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
    puts("BREACH 1.5 seconds of processor time");
    return 0;
}

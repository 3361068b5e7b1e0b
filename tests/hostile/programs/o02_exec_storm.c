// Fifty loops of short programs. Ceiling: 1.5 seconds.
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(void) {
    const double end = now() + 1.5;
    for (int loop = 0; loop < 50; ++loop) {
        if (fork() != 0) continue;
        char *words[] = {"/bin/true", NULL}, *nothing[] = {NULL};
        while (now() < end) {
            pid_t program;
            if (posix_spawn(&program, words[0], NULL, NULL, words, nothing) == 0)
                waitpid(program, NULL, 0);
        }
        _exit(0);
    }
    while (wait(NULL) > 0) continue;
    puts("BREACH nobody ended the storm");
    return 0;
}

// Children that end and are never waited for. Ceiling: 200.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    for (int zombies = 0; zombies < 200; ++zombies) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) continue;
        puts(errno == EAGAIN ? "HELD fork: EAGAIN" : "HELD fork");
        return 0;
    }
    puts("BREACH 200 zombies");
    return 0;
}

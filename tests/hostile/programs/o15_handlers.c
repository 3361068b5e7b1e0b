// Handles the signals that ask it to end, and moves every limit it may. Ceiling: 2 seconds of
// processor time.
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static void go_on(int number) {
    struct rlimit limit;
    getrlimit(RLIMIT_CPU, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CPU, &limit);
    signal(number, go_on);
}

int main(void) {
    const struct itimerval often = {{0, 100000}, {0, 100000}};
    const int asked[] = {SIGXCPU, SIGALRM, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPROF, SIGVTALRM};
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; ++i) signal(asked[i], go_on);
    setitimer(ITIMER_REAL, &often, NULL);
    while (clock() < CLOCKS_PER_SEC * 2) continue;
    puts("BREACH 2 seconds of processor time");
    return 0;
}

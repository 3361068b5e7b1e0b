// Every process forks without end. Ceiling: 200 processes at once, 5 seconds.
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ceiling = 200 };
struct shared {
    atomic_int alive, told, over;
};

static void tell(struct shared *all, const char *what) {
    if (atomic_exchange(&all->told, 1) != 0) return;
    dprintf(1, "%s\n", what);
}

int main(void) {
    struct shared *all =
        mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const time_t end = time(NULL) + 5;
    atomic_store(&all->alive, 1);
    while (!atomic_load(&all->over) && time(NULL) < end) {
        if (atomic_fetch_add(&all->alive, 1) >= ceiling) {
            // By each that gets here: as soon as it is over, the first process ends all others.
            dprintf(1, "BREACH 200 processes at once\n");
            atomic_store(&all->over, 1);
            break;
        }
        const pid_t child = fork();
        if (child >= 0) continue;
        tell(all, errno == EAGAIN ? "HELD fork: EAGAIN" : "HELD fork");
        atomic_fetch_sub(&all->alive, 1);
    }
    return 0;
}

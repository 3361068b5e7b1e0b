# Shared memory, semaphores and queues under names that another job can guess.
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
made = [libc.shmget(0x7157, 4096, 0o1666), libc.semget(0x7157, 1, 0o1666), libc.msgget(0x7157, 0o1666),
        libc.shm_open(b"/left-behind", 0o102, 0o666), libc.sem_open(b"/left-behind", 0o100, 0o666, 1)]
queue = libc.mq_open(b"/left-behind", 0o102, 0o666, None)
print("made", len([handle for handle in made + [queue] if handle != -1]))

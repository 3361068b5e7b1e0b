# Is any of it there?
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.sem_open.restype = ctypes.c_void_p
found = {"shm": libc.shmget(0x7157, 0, 0), "sem": libc.semget(0x7157, 0, 0), "msg": libc.msgget(0x7157, 0),
         "shm_open": libc.shm_open(b"/left-behind", 0, 0), "mq_open": libc.mq_open(b"/left-behind", 0)}
names = [name for name, handle in found.items() if handle != -1]
if libc.sem_open(b"/left-behind", 0):
    names.append("sem_open")
print("BREACH of another job:" if names else "HELD nothing is there", *names)

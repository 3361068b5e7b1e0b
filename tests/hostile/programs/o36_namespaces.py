# Namespaces and mounts, by the old calls and by the new ones.
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    error = ctypes.get_errno()
    if result >= 0:
        print("BREACH", name)
    elif error not in (errno.EPERM, errno.ENOSYS):
        print("BREACH asked the kernel:", name, errno.errorcode[error])
    return result
flags = {"mount": 0x20000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000,
         "uts": 0x04000000, "cgroup": 0x02000000, "time": 0x80}
call("mount", 165, b"none", b"/tmp", b"tmpfs", 0, 0)
call("umount2", 166, b"/proc", 2)
call("pivot_root", 155, b"/tmp", b"/tmp")
call("chroot", 161, b"/tmp")
for kind in ("user", "mnt", "net", "pid"):
    with open("/proc/self/ns/" + kind) as namespace:
        call("setns " + kind, 308, namespace.fileno(), 0)
call("fsopen", 430, b"tmpfs", 0)
call("fspick", 433, -100, b"/", 0)
call("open_tree", 428, -100, b"/", 1)
call("move_mount", 429, -1, b"", -1, b"", 0)
call("mount_setattr", 442, -100, b"/", 0, 0, 0)
call("statmount", 457, 0, 0, 0, 0)
for name, flag in flags.items():
    if flag != 0x80 and call("clone " + name, 56, flag | 17, 0, 0, 0, 0) == 0:
        os._exit(0)
for name, flag in sorted(flags.items()):  # one's own last, they cannot be undone
    call("unshare " + name, 272, flag)
print("end: HELD unless said otherwise")

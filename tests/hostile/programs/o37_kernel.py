# Calls into the parts of the kernel that jobs have no use for.
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = {"bpf": (321, 0, 0, 0), "perf_event_open": (298, 0, 0, -1, -1, 0), "io_uring_setup": (425, 1, 0),
         "userfaultfd": (323, 1), "keyctl": (250, 0, -3, 0), "add_key": (248, b"user", b"left", b"x", 1, -4),
         "request_key": (249, b"user", b"left", 0, -4), "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
         "kcmp": (312, 1, 1, 0, 0, 0), "open_by_handle_at": (304, -100, 0, 0), "name_to_handle_at": (303, -100, b"/", 0, 0, 0),
         "fanotify_init": (300, 0, 0), "init_module": (175, 0, 0, b""), "kexec_load": (246, 0, 0, 0, 0),
         "syslog": (103, 10, 0, 0), "clock_settime": (227, 0, 0), "sethostname": (170, b"x", 1), "reboot": (169, 0, 0, 0, 0),
         "swapon": (167, b"/x", 0), "acct": (163, b"/x"), "vmsplice": (278, 1, 0, 0, 0), "iopl": (172, 3),
         "modify_ldt": (154, 0, 0, 0), "requeue-PI": (202, 0, 12, 0, 0, 0, 0), "futex_requeue": (456, 0, 0, 0, 0)}
for name, (number, *arguments) in calls.items():
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    error = ctypes.get_errno()
    if result >= 0:
        print("BREACH", name)
    elif error not in (errno.EPERM, errno.ENOSYS):
        print("BREACH asked the kernel:", name, errno.errorcode[error])
print("end: HELD unless said otherwise")

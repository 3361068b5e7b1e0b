# Writes to the kernel's switches, and to its own place in the queue of the OOM killer.
import errno, os
attempts = {"/proc/sys/kernel/core_pattern": b"|/tmp/x", "/proc/sys/kernel/hostname": b"x", "/proc/sysrq-trigger": b"s",
            "/proc/sys/vm/drop_caches": b"1", "/proc/sys/fs/mqueue/queues_max": b"512", "/proc/sys/net/ipv4/ip_forward": b"1",
            "/proc/1/oom_score_adj": b"0", "/proc/self/oom_score_adj": b"0", "/proc/self/oom_adj": b"0",
            "/proc/self/uid_map": b"0 0 1", "/proc/self/setgroups": b"allow"}
for path, value in attempts.items():
    try:
        file = os.open(path, os.O_WRONLY)
        os.write(file, value)
        print("BREACH wrote", path)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT):
            print("BREACH another reason:", path, error)
print("end: HELD unless said otherwise")

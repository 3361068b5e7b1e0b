# What does it learn of the host?
import ctypes, os
for path in ["/proc/1/environ", "/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/key-users", "/proc/kmsg",
             "/proc/timer_list", "/proc/sched_debug", "/proc/vmallocinfo", "/proc/slabinfo", "/dev/kmsg", "/dev/mem",
             "/etc/shadow", "/etc/crankcase.toml", "/etc/machine-id", "/root/.ssh/id_rsa", "/sys/firmware/dmi/tables/DMI"]:
    try:
        with open(path, "rb") as file:
            if file.read(16):
                print("BREACH read", path)
    except OSError:
        pass
if ctypes.CDLL(None).klogctl(3, ctypes.create_string_buffer(16), 16) > 0:
    print("BREACH the kernel's log")
known = {"PATH", "HOME", "LANG", "PWD", "SHLVL", "_", "OLDPWD", "TMPDIR", "TERM", "LC_CTYPE", "LC_ALL", "PISTON_LANGUAGE",
         "LIBC_FATAL_STDERR_", "CRANKCASE_MEMORY_LIMIT"}
foreign = [name for name in os.environ if name not in known]
if foreign:
    print("BREACH environment:", *foreign)
for line in open("/proc/self/mounts"):
    if any(word in line for word in ("/root", "/home", "upperdir", "workdir")):
        print("BREACH a mount tells of the host:", line.strip())
print("end: HELD unless said otherwise")

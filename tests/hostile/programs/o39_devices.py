# Devices: those that are there, and those it makes.
import errno, os, stat
allowed = {"null", "zero", "full", "random", "urandom"}
for path, _, names in os.walk("/dev"):
    for name in names:
        try:
            mode = os.lstat(os.path.join(path, name)).st_mode
        except OSError:
            continue
        if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and name not in allowed:
            print("BREACH a device:", os.path.join(path, name))
for kind, major, minor in ((stat.S_IFBLK, 254, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 1, 3)):
    try:
        os.mknod("/tmp/device", kind | 0o666, os.makedev(major, minor))
        print("BREACH made a device")
    except OSError as error:
        if error.errno != errno.EPERM:
            print("BREACH asked for a device:", error)
print("end: HELD unless said otherwise")

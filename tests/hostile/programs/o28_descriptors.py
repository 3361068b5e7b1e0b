# Has it been given any descriptor besides the three?
import os
given = []
for name in os.listdir("/proc/self/fd"):
    try:
        given.append((int(name), os.readlink("/proc/self/fd/" + name)))
    except OSError:
        pass  # the lister's own
foreign = [entry for entry in given if entry[0] > 2 and entry[1] != f"/proc/{os.getpid()}/fd"]
where = os.getcwd()
print("BREACH given:" if foreign or "unreachable" in where else "HELD three descriptors", *foreign)

# Writes into every directory of the system, and over a file.
import errno, os
refused = set()
places = ["/", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/etc", "/opt", "/var", "/var/lib", "/root", "/home",
          "/srv", "/boot", "/proc", "/sys", "/dev", "/box", "/crankcase", "/layers", "/lib", "/bin"]
def attempt(path, flags):
    try:
        os.close(os.open(path, flags, 0o644))
        print("BREACH wrote to", path)
    except OSError as error:
        refused.add(errno.errorcode[error.errno])
for place in places:
    attempt(place + "/written-by-a-job", os.O_CREAT | os.O_WRONLY)
for file in ["/usr/bin/env", "/etc/passwd", "/crankcase/init", "/crankcase/timeout"]:
    attempt(file, os.O_WRONLY)
refused -= {"ENOENT", "EROFS", "EACCES", "EPERM"}
print("BREACH another reason:" if refused else "HELD nothing can be written", *refused)

# Whom does it see? Itself, and who started it.
import os
known = {1, os.getpid(), os.getppid()}
others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in known]
def can_signal(pid):
    try:
        os.kill(pid, 0)
        return True
    except OSError:
        return False
print("BREACH sees", *others) if others else print("HELD sees nobody")
reached = [pid for pid in range(2, 400) if pid not in known and can_signal(pid)]
if reached:
    print("BREACH can signal", *reached)

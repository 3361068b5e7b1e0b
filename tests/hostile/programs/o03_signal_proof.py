# A child that ignores every signal, has a session of its own and changes its pid all the time.
# Ceiling: 2 seconds.
import os, signal, time
end = time.monotonic() + 2
ready, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while time.monotonic() < end:
        with open("/tmp/beat", "a") as beat:
            beat.write(".")
        os.write(tell, b".")
        time.sleep(0.03)
        if os.fork():
            os._exit(0)
    os._exit(0)
os.read(ready, 1)
print("started")

# Writes in the background when its program has ended. Ceiling: 2 seconds.
import os, time
ready, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    end = time.monotonic() + 2
    while time.monotonic() < end:
        with open("/tmp/written", "a") as file:
            file.write("x")
        os.write(tell, b"x")
        time.sleep(0.05)
    os._exit(0)
os.read(ready, 1)
print("writing")

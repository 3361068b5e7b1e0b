# Ends, but a child keeps its output open. Ceiling: one second.
import os, time
if os.fork() == 0:
    time.sleep(1)
    os.write(1, b"BREACH the output was held open\n")

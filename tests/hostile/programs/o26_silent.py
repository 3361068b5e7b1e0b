# Closes its streams and ends.
import os
for stream in range(3):
    os.close(stream)
os._exit(0)

# Prints and prints. Ceiling: 8 MiB.
import os
line = b"x" * 1023 + b"\n"
for _ in range(8 << 10):
    os.write(1, line)
os.write(2, b"BREACH 8 MiB of output\n")

# One byte more than is allowed. Ceiling: one second.
import os, time
os.write(1, b"0" * 200000)
os.write(1, b"1")
time.sleep(1)
os.write(2, b"BREACH it goes on after its last byte\n")

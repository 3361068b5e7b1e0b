# Does not read its input, and ends.
import time
time.sleep(0.3)
print("HELD it was not asked to read")

# Is it written to?
import os
print("BREACH another job writes here" if os.path.exists("/tmp/written") else "HELD nothing is there")

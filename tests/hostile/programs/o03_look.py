# Does the signal-proof child still beat?
import os, time
def beats():
    return os.path.getsize("/tmp/beat") if os.path.exists("/tmp/beat") else 0
before = beats()
time.sleep(0.3)
print("BREACH the child of another job lives" if beats() > before else "HELD nobody beats")

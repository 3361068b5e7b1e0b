# Leaves a file wherever it can.
import os
places = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue", os.environ.get("HOME", "/"), "."]
for place in places:
    try:
        open(place + "/left-behind", "w").close()
    except OSError:
        pass
print("left where it could")

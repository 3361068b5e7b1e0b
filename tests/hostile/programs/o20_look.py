# Is any of it there?
import os
places = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue", os.environ.get("HOME", "/"), "."]
found = [place for place in places if os.path.exists(place + "/left-behind")]
print("BREACH files of another job in", *found) if found else print("HELD nothing is there")

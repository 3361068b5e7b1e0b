# A server on an abstract socket that outlives its program. Ceiling: 3 seconds.
import os, socket, time
server = socket.socket(socket.AF_UNIX)
server.bind("\0left-behind")
server.listen()
if os.fork() == 0:
    os.setsid()
    time.sleep(3)
    os._exit(0)
print("listening")

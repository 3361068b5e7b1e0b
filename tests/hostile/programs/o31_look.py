# Does it answer?
import socket
try:
    socket.socket(socket.AF_UNIX).connect("\0left-behind")
    print("BREACH connected to another job")
except OSError as error:
    print("HELD connect:", error.strerror)

# A server of its own on the loopback device; and is anything of the host there? The port of the
# engine is the argument.
import socket, sys, threading
server = socket.create_server(("127.0.0.1", 0))
def serve():
    server.accept()[0].sendall(b"mine")
threading.Thread(target=serve, daemon=True).start()
print("own:", socket.create_connection(server.getsockname(), 2).recv(4).decode())
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
    print("BREACH a service of the host answers")
except OSError as error:
    print("HELD connect:", error.strerror)

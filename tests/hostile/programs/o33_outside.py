# Out into the world: by name, TCP and UDP. A refusal comes at once.
import errno, socket
def attempt(what, action):
    try:
        action()
        print("BREACH", what, "went out")
    except socket.timeout:
        print("BREACH", what, "hangs")
    except socket.gaierror:
        pass
    except OSError as error:
        if error.errno not in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
            print("BREACH", what, error)
def udp(family, address):
    socket.socket(family, socket.SOCK_DGRAM).sendto(b"x", address)
def tcp(family, address):
    stream = socket.socket(family, socket.SOCK_STREAM)
    stream.settimeout(1)
    stream.connect(address)
attempt("TCP", lambda: tcp(socket.AF_INET, ("192.0.2.1", 80)))
attempt("UDP", lambda: udp(socket.AF_INET, ("192.0.2.1", 53)))
attempt("TCP over IPv6", lambda: tcp(socket.AF_INET6, ("2001:db8::1", 80)))
attempt("UDP over IPv6", lambda: udp(socket.AF_INET6, ("2001:db8::1", 53)))
attempt("metadata", lambda: tcp(socket.AF_INET, ("169.254.169.254", 80)))
try:
    socket.getaddrinfo("crankcase.invalid", 80)
    print("BREACH a name was looked up")
except socket.gaierror:
    pass
print("end: HELD unless said otherwise")

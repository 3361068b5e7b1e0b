# Sockets that are no business of a job: raw, packet, and the families in which kernels break.
import errno, socket
families = {"netlink uevent": (16, 2, 15), "netlink xfrm": (16, 3, 6), "netlink netfilter": (16, 3, 12),
            "raw": (2, 3, 1), "raw over IPv6": (10, 3, 58), "ping": (2, 2, 1), "packet": (17, 3, 0),
            "alg": (38, 5, 0), "vsock": (40, 1, 0), "key": (15, 3, 2), "rxrpc": (33, 2, 2), "tipc": (30, 1, 0),
            "can": (29, 3, 1), "bluetooth": (31, 1, 3), "xdp": (44, 3, 0), "smc": (43, 1, 0), "rds": (21, 5, 0),
            "vsock with high bits": (40 | 1 << 20, 1, 0), "sctp": (2, 1, 132), "mptcp": (2, 1, 262)}
expected = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
for name, (family, kind, protocol) in families.items():
    try:
        socket.socket(family, kind, protocol)
        print("BREACH a socket:", name)
    except OSError as error:
        if error.errno not in expected:
            print("BREACH asked the kernel:", name, error)
print("end: HELD unless said otherwise")

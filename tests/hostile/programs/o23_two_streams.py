# Both streams in turn, more than a pipe holds. Who is not read for a second gives up.
import os, signal
def give_up(*_):
    os.write(1, b"BREACH nobody reads the other stream\n")
    os._exit(1)
signal.signal(signal.SIGALRM, give_up)
signal.alarm(2)
for number in range(2000):
    os.write(1, b"out %058d\n" % number)
    os.write(2, b"err %058d\n" % number)

# A file of a tebibyte without a byte in it.
import errno, os
try:
    os.ftruncate(os.open("/tmp/sparse", os.O_CREAT | os.O_WRONLY), 1 << 40)
    print("BREACH a file of a tebibyte")
except OSError as error:
    print("HELD ftruncate:", errno.errorcode[error.errno])

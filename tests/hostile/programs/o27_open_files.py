# Opens and keeps. Ceiling: 500 descriptors.
import errno, os
try:
    for _ in range(500):
        os.dup(1)
    print("BREACH 500 descriptors")
except OSError as error:
    print("HELD dup:", errno.errorcode[error.errno])

# Takes disk in pieces of 8 MiB. Ceiling: 96 MiB.
import errno, os
try:
    for number in range(12):
        os.posix_fallocate(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY), 0, 8 << 20)
    print("BREACH 96 MiB of disk")
except OSError as error:
    print("HELD fallocate:", errno.errorcode[error.errno])

# Files of nothing. Ceiling: 2000.
import errno, os
try:
    for number in range(2000):
        os.close(os.open(f"/dev/shm/{number}", os.O_CREAT))
    print("BREACH 2000 files")
except OSError as error:
    print("HELD open:", errno.errorcode[error.errno])

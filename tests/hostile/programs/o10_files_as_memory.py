# Files first, memory after: together more than there is. Ceiling: 108 MiB.
import mmap
for number in range(36):
    with open(f"/tmp/{number}", "wb") as file:
        file.write(bytes([number]) * (1 << 20))
keep = []
for number in range(72):
    keep.append(bytearray([number + 1]) * (1 << 20))
print("BREACH 108 MiB, as files and as memory")

# Bytes that are no text: wrong ones, NUL, escapes, a quotation mark, a character in two pieces.
import os, time
os.write(1, b"a\xff\xfe\x00b\x1b[2J\"\\\xed\xa0\x80\xc3")
time.sleep(0.1)
os.write(1, b"\xa9\xf0\x9f\x92")

"""What is run: programs, how a server without isolation starts them, what must come back."""

from dataclasses import dataclass

BUSY, IDLE = "back to back", "50 ms idle"
PAUSES = {BUSY: 0, IDLE: 50}  # milliseconds before each job of each client

LINE = "the quick brown fox jumps over the lazy dog, again and again ..\n"
LAST_LINE = "end-of-input\n"


def text_of(size):
    """Nearly `size` bytes, never more: the default output limit of the engine is 1 MiB."""
    return LINE * (size // len(LINE) - 1) + LAST_LINE


@dataclass(frozen=True)
class Workload:
    name: str
    language: str
    file_name: str
    source: str
    stages: tuple  # commands of the raw floor, in the job directory
    expect: str  # in every answer
    stdin: str = ""
    least_bytes: int = 0
    seconds: float = 1.0  # of one slice

    def request(self):
        """The body for POST /api/v2/execute."""
        body = {
            "language": self.language,
            "version": "*",
            "files": [{"name": self.file_name, "content": self.source}],
        }
        return body | ({"stdin": self.stdin} if self.stdin else {})


PYTHON = ("/usr/bin/python3 main.py",)
BASH = ("/bin/bash main.sh",)
C = ("/usr/bin/gcc -std=c11 main.c -lm -o a.out", "./a.out")

HELLO_C = """#include <stdio.h>

int main(void) {
    puts("hello-from-c");
    return 0;
}
"""

# About 200 ms of one core.
CPU = """total = 0
for number in range(1_400_000):
    total += number * 3 & 255
print("total", total)
"""
CPU_TOTAL = 178498016

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("echo", "bash", "main.sh", "echo hi-there\n", BASH, "hi-there"),
        Workload("python", "python", "main.py", "print('hello-from-python')\n", PYTHON,
                 "hello-from-python", seconds=1.2),
        Workload("c", "c", "main.c", HELLO_C, C, "hello-from-c", seconds=1.8),
        Workload("cpu", "python", "main.py", CPU, PYTHON, f"total {CPU_TOTAL}", seconds=2.5),
        Workload("io_64k", "bash", "main.sh", "cat\n", BASH, LAST_LINE.strip(),
                 text_of(64 * 1024), 65_000),
        Workload("io_1m", "bash", "main.sh", "cat\n", BASH, LAST_LINE.strip(),
                 text_of(1024 * 1024), 1_048_000, seconds=1.2),
    )
}


@dataclass(frozen=True)
class Cell:
    """One line of the tables: what is run, with which pauses, by how many clients at once."""

    workload: Workload
    mode: str
    clients: int

    @property
    def name(self):
        return f"{self.workload.name}, {self.mode}, {self.clients}"

    @property
    def pause(self):
        return PAUSES[self.mode]

    @property
    def is_quick(self):
        """Worth a place in the short run: it has a bar and needs no long slice to be judged."""
        if self.clients == 1:
            return self.workload.name in ("echo", "python", "c", "io_1m")
        return self.workload.name == "python" and self.mode == BUSY


# One line each, so that all of the time is starting the interpreter.
HELLOS = (
    WORKLOADS["python"],
    Workload("php", "php", "main.php", "<?php echo \"hello-from-php\\n\";\n",
             ("/usr/bin/php main.php",), "hello-from-php"),
    Workload("node", "javascript", "main.js", "console.log('hello-from-node')\n",
             ("/usr/bin/node main.js",), "hello-from-node", seconds=1.8),
    Workload("lua", "lua", "main.lua", "print('hello-from-lua')\n",
             ("/usr/bin/lua5.4 main.lua",), "hello-from-lua"),
    WORKLOADS["echo"],
    Workload("perl", "perl", "main.pl", "print \"hello-from-perl\\n\";\n",
             ("/usr/bin/perl main.pl",), "hello-from-perl"),
)

# A crash that asks for its memory to be kept.
import os, resource, signal
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
print("HELD no core" if most == 0 else "BREACH a core may be written", flush=True)
os.kill(os.getpid(), signal.SIGSEGV)

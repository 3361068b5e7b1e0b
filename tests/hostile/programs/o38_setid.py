# Programs that would run as somebody else: one that lies ready (/tmp/setid, in a control only), one
# of its own making, and the system's.
import os, shutil, subprocess, time
def gain_of(path):
    said = subprocess.run([path], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return "euid=" in said
if os.path.exists("/tmp/setid") and gain_of("/tmp/setid"):
    print("BREACH runs as somebody else:", "/tmp/setid")
own = "/tmp/own-setid"
shutil.copy("/usr/bin/id", own)
os.chmod(own, 0o6755)
if gain_of(own):
    print("BREACH a copy of its own")
su = "/usr/bin/su"
if os.path.exists(su) and not os.path.exists("/tmp/setid"):
    ready, tell = os.pipe()
    child = subprocess.Popen([su], stdin=ready, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(50):
        try:
            with open(f"/proc/{child.pid}/status") as file:
                fields = dict(line.split(":", 1) for line in file)
        except OSError:
            break
        uids = set(fields.get("Uid", "").split())
        if fields["Name"].strip() == "su" and (len(uids) > 1 or "0" in uids):
            print("BREACH su runs as root")
            break
        if fields["Name"].strip() == "su" and uids:
            break
        time.sleep(0.01)
    child.kill()
    child.wait()
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    if fields[4] in ("/tmp", "/dev/shm", "/box") and "nosuid" not in fields[5]:
        print("BREACH set-id files count in", fields[4])
if "NoNewPrivs:\t1" not in open("/proc/self/status").read():
    print("BREACH privileges may be gained")
print("end: HELD unless said otherwise")

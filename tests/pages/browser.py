"""A headless Chromium, driven by the W3C's WebDriver protocol with nothing but the standard library."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

WITHIN = 30.0  # seconds that anything awaited may take
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's name for a reference to an element
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Shift": "\ue008", "Control": "\ue009", "Escape": "\ue00c",
        "Down": "\ue015", "Space": " "}


class BrowserError(Exception):
    pass


def until(condition, what):
    """Asks until the condition holds and returns what it gave; fails after a while."""
    deadline = time.monotonic() + WITHIN
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


class Driver:
    """The program between us and the browsers."""

    def __enter__(self):
        program = shutil.which("chromedriver")
        if program is None or shutil.which("chromium") is None:
            raise SystemExit("pages: needs chromium and chromedriver. Run: sudo scripts/setup --test")
        self.scratch = tempfile.mkdtemp(prefix="crankcase-browser-")
        self.process = subprocess.Popen([program, "--port=0"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env={**os.environ, "HOME": self.scratch})
        for line in self.process.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                self.address = f"http://127.0.0.1:{found.group(1)}"
                return self
        raise SystemExit("pages: chromedriver does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def ask(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise BrowserError(f"{value['error']}: {value['message'].splitlines()[0]}") from None


class Browser:
    """One browser with an empty profile. No name but this machine's own is looked up by it."""

    def __init__(self, driver, width=1280, height=800):
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--force-color-profile=srgb"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's own does not work for root
        options = {"args": arguments, "binary": shutil.which("chromium")}
        self.driver = driver
        started = driver.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options}}})
        self.path = "/session/" + started["sessionId"]
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.ask("DELETE", self.path)

    def ask(self, method, path, body=None):
        return self.driver.ask(method, self.path + path, body)

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height, mobile=False):
        """The size of the page itself, whatever the window's frame takes."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=mobile)

    def prefer(self, **features):
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def open(self, address):
        self.ask("POST", "/url", {"url": "about:blank"})  # so that a change of the fragment alone loads as well
        self.ask("POST", "/url", {"url": address})

    def new_window(self):
        handle = self.ask("POST", "/window/new", {"type": "window"})["handle"]
        self.ask("POST", "/window", {"handle": handle})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def value(self, expression):
        return self.run("return " + expression)

    def find(self, selector):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        return "/element/" + found[ELEMENT]

    def click(self, selector):
        self.ask("POST", self.find(selector) + "/click")

    def type_into(self, selector, text):
        """Replaces what is in the field, as a person would: by keys that the page sees."""
        self.run("const field = document.querySelector(arguments[0]); field.focus(); field.select();", selector)
        self.ask("POST", self.find(selector) + "/value", {"text": text})

    def fill(self, selector, text):
        """Puts a text into a field at once, with the event that typing ends in."""
        self.run("const field = document.querySelector(arguments[0]); field.value = arguments[1];"
                 "field.dispatchEvent(new Event('input', {bubbles: true}));", selector, text)

    def press(self, *keys):
        """Keys pressed one after another and let go in reverse: ("Control", "Enter") is a chord."""
        codes = [KEYS.get(key, key) for key in keys]
        actions = ([{"type": "keyDown", "value": code} for code in codes]
                   + [{"type": "keyUp", "value": code} for code in reversed(codes)])
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def focused(self):
        return self.value("document.activeElement.id || document.activeElement.textContent.trim()")

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.ask("GET", "/screenshot")))

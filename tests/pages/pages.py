"""The playground and the API's page in a real browser, on a real engine; see README.md."""

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
import urllib.request

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "support"))

import fake  # noqa: E402
from browser import Browser, Driver, until  # noqa: E402
from engine import Engine  # noqa: E402

VALIDATOR = "openapi-spec-validator==0.9.0"
# Long enough that a program which is stopped did not end by itself.
# Debian's Rust links its whole library with its debugging data: more than a file may have by default.
SETTINGS = ["pool.first_uid=910000000", "limits.run.wall_time=10m", "limits.run.output=4MiB",
            "limits.compile.file_size=32MB"]
TIDY = "localStorage.clear(); sessionStorage.clear();"


class Skipped(Exception):
    pass


# --- what every case does ---

def status(page):
    return page.value("document.getElementById('status').textContent")


def shown(page, stream="stdout"):
    return page.value("[...document.querySelectorAll('#output .%s pre')].map(e => e.textContent).join('')" % stream)


def ready(page, address):
    page.open(f"http://{address}/playground")
    page.run(TIDY)
    page.open(f"http://{address}/playground")
    until(lambda: page.value("document.getElementById('runtime').value"), "the languages")
    page.run("addEventListener('securitypolicyviolation', e => (window.refused ||= []).push(e.blockedURI));")


def choose(page, words):
    page.type_into("#runtime", words)
    page.press("Enter")


def is_idle(page):
    return page.value("job === null")


def run(page):
    page.click("#run")
    until(lambda: is_idle(page), "the end of the program")


# --- with the engine ---

def a_python_program_prints_its_output(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    page.fill("#code", "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)\n")
    run(page)
    assert shown(page) == "out\n"
    assert shown(page, "stderr") == "err\n"
    assert page.value("document.querySelector('.stderr .tag').textContent") == "stderr"
    assert status(page) == "Exited with error status 3", status(page)
    facts = page.value("document.querySelector('.end').textContent")
    for word in ("Exit code3", "CPU", "Wall", "Memory"):
        assert word in facts, facts


def the_engine_tells_output_before_the_end(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    page.fill("#code", "import time\nprint('first', flush=True)\ntime.sleep(3)\nprint('last')\n")
    page.click("#run")
    until(lambda: shown(page) == "first\n", "the first line")
    assert not is_idle(page) and status(page) == "Running\u2026"
    until(lambda: is_idle(page), "the end of the program")
    assert shown(page) == "first\nlast\n"
    assert status(page) == "Finished"


def the_engine_lets_a_program_be_talked_to(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    page.fill("#code", "name = input('Name? ')\nprint('Hello, ' + name + '!')\ninput()\n")
    page.click("#live")
    page.click("#run")
    until(lambda: shown(page) == "Name? ", "the question")
    page.type_into("#line", "Ada")
    page.press("Enter")
    until(lambda: "Hello, Ada!" in shown(page), "the answer")
    page.click("#stop")
    until(lambda: is_idle(page), "the end of the program")
    assert status(page) == "Stopped", status(page)


def every_starter_runs(page, place):
    ready(page, place.address)
    starters = page.value("Object.keys(starters)")
    there = {one["language"] for one in json.load(urllib.request.urlopen(f"http://{place.address}/api/v2/runtimes"))}
    tried = [language for language in starters if language in there]
    assert "python" in tried and "c" in tried, there
    for language in tried:
        page.run("choose(runtimes.find(one => one.language === arguments[0]))", language)
        page.fill("#stdin", "" if language == "typescript" else "Ada")
        page.fill("#args", "" if language == "typescript" else "one\ntwo words")
        run(page)
        expected = "Hello, world!\n" if language == "typescript" else "Hello, Ada!\n- one\n- two words\n"
        assert shown(page) == expected, (language, shown(page), shown(page, "stderr"), status(page))


def an_error_of_the_compiler_is_shown_as_such(page, place):
    ready(page, place.address)
    choose(page, "c gcc")
    assert page.value("chosen.language") == "c"
    page.fill("#code", "int main() { return nothing; }\n")
    run(page)
    assert "main.c:1" in shown(page, "stderr") and "nothing" in shown(page, "stderr")
    assert page.value("document.querySelector('.stage').textContent") == "Compile"
    assert page.value("document.querySelectorAll('.stage').length") == 1
    assert status(page).startswith("Compilation failed"), status(page)


def errors_of_the_server_are_shown_as_they_are(page, place):
    ready(page, place.address)
    page.run("chosen = {language: 'cobol', version: '1'}")
    run(page)
    assert page.value("document.querySelector('.problem').textContent") == "400 cobol-1 runtime is unknown"


def control_and_enter_run(page, place):
    ready(page, place.address)
    choose(page, "bash")
    page.type_into("#code", "echo typed")
    page.press("Control", "Enter")
    until(lambda: shown(page) == "typed\n", "the output")
    assert page.value("document.getElementById('code').value") == "echo typed"


def processes_with(marker):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if marker.encode() in file.read():
                    found.append(pid)
        except OSError:
            pass
    return found


def stop_ends_a_sleeping_program(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    page.fill("#code", "import time\ntime.sleep(500)\n")
    for way in (lambda: page.click("#stop"), lambda: page.press("Escape")):
        marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
        page.fill("#args", marker)
        page.click("#run")
        until(lambda: processes_with(marker), "the program to run")
        way()
        until(lambda: is_idle(page), "the page to stop")
        until(lambda: not processes_with(marker), "the job to go")
        assert status(page) == "Stopped"


def stdin_and_arguments_reach_the_program(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    page.fill("#code", "import sys\nprint(repr(sys.stdin.read()), sys.argv[1:])\n")
    page.fill("#stdin", "a\nb\u00e9")
    page.fill("#args", "one\n\n two \n")
    run(page)
    assert shown(page) == "'a\\nb\u00e9\\n' ['one', '', ' two ']\n", shown(page)


def a_link_brings_everything_and_runs_nothing(page, place):
    ready(page, place.address)
    choose(page, "bash")
    text = "echo 'gr\u00fc\u00dfe \U0001f600'\n" * 200
    page.fill("#code", text)
    page.fill("#stdin", "in\n")
    page.fill("#args", "x\ny")
    page.click("#share")
    until(lambda: page.value("location.hash") != "", "the link")
    link = page.value("location.href")
    assert len(link) < 500, "it is not compressed"
    page.run(TIDY)
    page.new_window()
    page.open(link)
    until(lambda: page.value("document.getElementById('code').value"), "the program")
    assert page.value("document.getElementById('code').value") == text
    assert page.value("document.getElementById('stdin').value") == "in\n"
    assert page.value("document.getElementById('args').value") == "x\ny"
    assert page.value("chosen.language") == "bash"
    assert status(page) == "From a link, not run yet"
    asked = page.value("performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in asked if "execute" in name], asked
    assert is_idle(page) and page.value("document.getElementById('output').textContent") == ""
    page.open(f"http://{place.address}/playground#1!!")
    until(lambda: status(page) == "The link cannot be read.", "the complaint")


def everything_is_done_by_keyboard(page, place):
    ready(page, place.address)
    reached = []
    for _ in range(12):
        page.press("Tab")
        name = page.focused()
        if name in reached:
            break
        reached.append(name)
        if name == "code":
            page.press("Escape")
    wanted = ["docs", "runtime", "live", "share", "run", "code", "stdin", "args", "output"]
    assert reached[:len(wanted)] == wanted, reached

    page.run("document.getElementById('runtime').focus()")
    for letter in "lua":
        page.press(letter)
    assert page.value("document.getElementById('runtime').getAttribute('aria-expanded')") == "true"
    active = page.value("document.getElementById('runtime').getAttribute('aria-activedescendant')")
    assert page.run("return document.getElementById(arguments[0]).ariaSelected", active) == "true"
    page.press("Enter")
    assert page.value("chosen.language") == "lua"

    page.fill("#code", "")
    page.run("document.getElementById('code').focus()")
    for key in ("i", "f", " ", "{", "Enter", "x", "Enter", "Tab"):
        page.press(key)
    assert page.value("document.getElementById('code').value") == "if {\n    x\n        "
    page.press("Shift", "Tab")
    assert page.value("document.getElementById('code').value") == "if {\n    x\n    "
    assert page.value("document.getElementById('lines').textContent") == "1\n2\n3"
    assert page.focused() == "code"
    page.press("Escape")
    page.press("Shift", "Tab")
    assert page.focused() == "run"
    page.press("Tab")
    page.press("Escape")
    page.press("Tab")
    assert page.focused() == "stdin"


def every_field_has_a_name(page, place):
    for name in ("playground", "docs"):
        page.open(f"http://{place.address}/{name}")
        until(lambda: page.value("document.title"), "the page")
        unnamed = page.value(
            "[...document.querySelectorAll('input, textarea, button, a')].filter(e => !e.textContent.trim()"
            " && !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML)")
        assert unnamed == [], unnamed
    ready(page, place.address)
    assert page.value("document.getElementById('status').ariaLive") == "polite"


def a_phone_needs_no_sideways_scrolling(page, place):
    page.resize(390, 844, mobile=True)
    for name in ("playground", "docs"):
        page.open(f"http://{place.address}/{name}")
        until(lambda: page.value("document.readyState") == "complete", "the page")
        if name == "docs":
            until(lambda: page.value("document.querySelectorAll('section').length") > 5, "the sections")
        else:
            choose(page, "python 3")
            page.fill("#code", "print('x' * 5000)  # " + "a long line " * 50)
            run(page)
        widths = page.value("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [390, 390], (name, widths)
    page.open(f"http://{place.address}/playground")
    small = page.value("[...document.querySelectorAll('input:not([type=checkbox]), textarea')]"
                       ".filter(e => parseFloat(getComputedStyle(e).fontSize) < 16).map(e => e.id)")
    assert small == [], small


def much_output_does_not_freeze_the_page(page, place):
    ready(page, place.address)
    choose(page, "python 3")
    for program in ("for i in range(40000): print(i, 'x' * 40)", "print('y' * 1500000)"):
        page.fill("#code", program)
        page.run("window.longest = 0; let last = performance.now(); clearInterval(window.beat);"
                 "window.beat = setInterval(() => { const now = performance.now();"
                 "longest = Math.max(longest, now - last); last = now; }, 10);")
        run(page)
        assert len(shown(page)) == 1 << 20, len(shown(page))
        assert "first 1 MiB" in page.value("document.querySelector('.cut').textContent")
        assert status(page) == "Finished"
        # Compared with nothing exact: a page that adds line by line stands still for minutes.
        print(f"        longest pause {page.value('longest'):.0f} ms")
        assert page.value("longest") < 10000


def no_other_script_runs(page, place):
    for name in ("playground", "docs"):
        ready(page, place.address)
        page.open(f"http://{place.address}/{name}")
        page.run("addEventListener('securitypolicyviolation', e => (window.refused ||= []).push(e.effectiveDirective));"
                 "const script = document.createElement('script'); script.textContent = 'window.broken_in = true';"
                 "document.body.append(script);"
                 "const image = document.createElement('div'); image.innerHTML = '<img src=x onerror=\"window.broken_in = true\">';"
                 "document.body.append(image);")
        until(lambda: len(page.value("window.refused ?? []")) >= 2, "the refusals")
        assert page.value("window.broken_in") is None
        assert "script-src-elem" in page.value("window.refused")


def output_is_never_html(page, place):
    ready(page, place.address)
    choose(page, "bash")
    page.fill("#code", "echo '<img src=x onerror=alert(1)><script>1</script>'")
    run(page)
    assert shown(page) == "<img src=x onerror=alert(1)><script>1</script>\n"
    assert page.value("document.querySelectorAll('#output img, #output script').length") == 0


def nothing_is_asked_from_elsewhere(page, place):
    ready(page, place.address)
    run(page)
    page.click("#docs")
    until(lambda: page.value("document.querySelectorAll('section').length") > 5, "the sections")
    for _ in range(2):
        names = page.value("performance.getEntriesByType('resource').map(e => e.name)")
        assert names and all(name.startswith((f"http://{place.address}/", "data:")) for name in names), names
        page.ask("POST", "/back")
    with urllib.request.urlopen(f"http://{place.address}/playground") as answer:
        fields, body = answer.headers, answer.read().decode()
    assert fields["X-Content-Type-Options"] == "nosniff" and fields["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in fields["Content-Security-Policy"]
    assert "unsafe" not in fields["Content-Security-Policy"] and fields["ETag"] and "://" in body


def what_was_written_is_kept_for_each_language(page, place):
    ready(page, place.address)
    choose(page, "bash")
    page.type_into("#code", "echo mine")
    choose(page, "python 3")
    until(lambda: page.value("localStorage.getItem('crankcase.code.bash')") == "echo mine", "the text to be kept")
    assert "import sys" in page.value("document.getElementById('code').value")
    page.open(f"http://{place.address}/playground")
    until(lambda: page.value("chosen?.language") == "python", "the language of last time")
    choose(page, "bash")
    assert page.value("document.getElementById('code').value") == "echo mine"


def the_description_of_the_api_can_be_read_and_tried(page, place):
    page.open(f"http://{place.address}/docs")
    until(lambda: page.value("document.querySelectorAll('section').length") > 5, "the sections")
    text = page.value("document.getElementById('post_api_v2_execute').textContent")
    for word in ("/api/v2/execute", "run_timeout", "milliseconds", f"http://{place.address}/api/v2/execute", "429"):
        assert word in text, word
    example = page.value("document.querySelector('#post_api_v2_execute pre').textContent")
    done = subprocess.run(["sh", "-c", example], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["run"]["stdout"] == "Hello\n", done.stdout
    stray = page.value("[...document.querySelectorAll('a[href^=\"#\"]')].map(e => e.getAttribute('href'))"
                       ".filter(name => !document.getElementById(name.slice(1)))")
    assert stray == [], stray
    page.run("[...document.querySelectorAll('a')].find(e => e.textContent.startsWith('Try')).click()")
    until(lambda: page.value("document.getElementById('code')?.value"), "the program in the playground")
    assert page.value("document.getElementById('code').value") == "print(input())"
    run(page)
    assert shown(page) == "Hello\n"


def the_description_is_valid_openapi(page, place):
    venv = os.path.join(REPOSITORY, "build", "test", "openapi-venv")
    python = os.path.join(venv, "bin", "python3")
    check = [python, "-m", "openapi_spec_validator", "-"]
    if not os.path.exists(python) or subprocess.run([python, "-c", "import openapi_spec_validator"]).returncode != 0:
        made = subprocess.run(["sh", "-c", 'python3 -m venv --clear "$0" && "$0/bin/pip" install -q "$1"', venv, VALIDATOR],
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise Skipped(f"{VALIDATOR} cannot be installed: {(made.stderr.strip().splitlines() or ['?'])[-1]}")
    with urllib.request.urlopen(f"http://{place.address}/openapi.json") as answer:
        document = answer.read()
    done = subprocess.run(check, input=document, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    wrong = json.loads(document)
    del wrong["info"]["title"]
    assert subprocess.run(check, input=json.dumps(wrong).encode(), capture_output=True).returncode != 0


def a_key_is_asked_for_and_kept_in_this_tab_alone(page, place):
    keys = place.directory + "/api-keys"
    made = subprocess.run([place.binaries + "/crankcase", *place.arguments(), "key", "create", "visitor", "--file", keys],
                          capture_output=True, text=True, timeout=60, check=True)
    key = made.stdout.strip()
    asked = "!document.getElementById('ask').hidden"
    settings = ["pool.first_uid=920000000", "keys.file=" + keys]
    with Engine(place.binaries, "pagekeys", settings) as locked:
        ready(page, locked.address)
        assert not page.value(asked)
        choose(page, "bash")
        page.fill("#code", "echo let in")
        for wrong in (None, "ck_not-a-key-of-this-engine"):
            if wrong:
                page.type_into("#key", wrong)
                page.press("Enter")
                until(lambda: page.value("document.getElementById('key').value") == "" and is_idle(page), "the next try")
            else:
                run(page)
            until(lambda: page.value(asked), "the question")
            assert status(page).startswith("Error: 401 "), status(page)
            assert page.focused() == "key" and shown(page) == ""
            assert page.value("sessionStorage.length") == 0
        page.type_into("#key", key)
        page.press("Enter")
        until(lambda: shown(page) == "let in\n", "the output")
        until(lambda: is_idle(page), "the end of the program")
        assert status(page) == "Finished" and not page.value(asked)
        assert page.value("sessionStorage.getItem('crankcase.key')") == key
        for place_of_more in ("Object.values(localStorage).join()", "location.href", "document.cookie",
                              "document.documentElement.outerHTML", "document.getElementById('key').value"):
            assert key not in page.value(place_of_more), place_of_more
        # A tab remembers, another does not.
        page.open(f"http://{locked.address}/playground")
        until(lambda: page.value("chosen?.language") == "bash", "the language of last time")
        page.fill("#code", "echo again")
        run(page)
        assert shown(page) == "again\n" and not page.value(asked)
        page.new_window()
        page.open(f"http://{locked.address}/playground")
        until(lambda: page.value("chosen?.language") == "bash", "the language of last time")
        run(page)
        until(lambda: page.value(asked), "the question")


# --- with a server that answers as the test says ---

def output_appears_before_the_end(page, place):
    with fake.Fake(place.address) as server:
        ready(page, server.address)
        choose(page, "c gcc")
        page.fill("#stdin", "in")
        page.click("#run")
        until(lambda: shown(page) == "first gr\u00fc\u00dfe\n", "the first line")
        assert status(page) == "Running\u2026" and not is_idle(page)
        assert shown(page, "stderr") == "a warning\n"
        server.go_on.set()
        until(lambda: is_idle(page), "the end")
        assert shown(page) == "first gr\u00fc\u00dfe\nlast\n"
        assert page.value("[...document.querySelectorAll('.stage')].map(e => e.textContent)") == ["Compile", "Run"]
        assert page.value("document.querySelectorAll('.end').length") == 2
        assert "Wall1.5 s" in page.value("document.querySelector('.end:last-child').textContent")
        assert status(page) == "Finished"
        asked = server.requests[0]
        assert asked["accept"] == "text/event-stream" and asked["stdin"] == "in" and asked["language"] == "c"


def stop_leaves_a_stream(page, place):
    with fake.Fake(place.address) as server:
        ready(page, server.address)
        page.click("#run")
        until(lambda: shown(page), "the first line")
        page.press("Escape")
        until(lambda: is_idle(page), "the page to stop")
        until(server.client_left.is_set, "the server to see it")
        assert status(page) == "Stopped"


def a_stream_that_breaks_off_is_told(page, place):
    with fake.Fake(place.address) as server:
        ready(page, server.address)
        server.answer = fake.broken_stream
        run(page)
        assert shown(page) == "partly\n"
        assert status(page) == "Error: The connection ended before the program did.", status(page)
        server.answer = fake.failing_stream
        run(page)
        assert status(page) == "Error: Internal error 0123", status(page)


def a_program_is_told_things_while_it_runs(page, place):
    with fake.Fake(place.address) as server:
        ready(page, server.address)
        page.click("#live")
        page.click("#run")
        until(lambda: shown(page) == "Name? ", "the question")
        assert page.focused() == "line"
        page.type_into("#line", "Ada")
        page.press("Enter")
        until(lambda: is_idle(page), "the end")
        assert shown(page) == "Name? Hello, Ada!\n" and shown(page, "stdin") == "Ada\n"
        assert status(page) == "Finished"
        assert [one["type"] for one in server.received] == ["init", "data"]
        assert server.received[1] == {"type": "data", "stream": "stdin", "data": "Ada\n"}
    with fake.Fake(place.address) as server:
        ready(page, server.address)
        page.click("#live")
        page.click("#run")
        until(lambda: shown(page) == "Name? ", "the question")
        page.click("#stop")
        until(server.client_left.is_set, "the server to see it")
        assert server.received[-1] == {"type": "signal", "signal": "SIGKILL"}, server.received
        assert status(page) == "Stopped"


CASES = [
    a_python_program_prints_its_output, the_engine_tells_output_before_the_end,
    the_engine_lets_a_program_be_talked_to, every_starter_runs, an_error_of_the_compiler_is_shown_as_such,
    errors_of_the_server_are_shown_as_they_are, control_and_enter_run, stop_ends_a_sleeping_program,
    stdin_and_arguments_reach_the_program, a_link_brings_everything_and_runs_nothing, everything_is_done_by_keyboard,
    every_field_has_a_name, a_phone_needs_no_sideways_scrolling, much_output_does_not_freeze_the_page,
    no_other_script_runs, output_is_never_html, nothing_is_asked_from_elsewhere,
    what_was_written_is_kept_for_each_language, a_key_is_asked_for_and_kept_in_this_tab_alone,
    the_description_of_the_api_can_be_read_and_tried, the_description_is_valid_openapi, output_appears_before_the_end, stop_leaves_a_stream,
    a_stream_that_breaks_off_is_told, a_program_is_told_things_while_it_runs,
]


def take_pictures(driver, place, directory):
    os.makedirs(directory, exist_ok=True)
    program = ("import sys\n\n\ndef primes(limit):\n    known = []\n    for n in range(2, limit):\n"
               "        if all(n % p for p in known):\n            known.append(n)\n            yield n\n\n\n"
               "limit = int(input())\nfound = list(primes(limit))\nfor row in range(0, len(found), 5):\n"
               "    print(*found[row:row + 5], sep=\"\\t\")\nprint(len(found), \"below\", limit, file=sys.stderr)\n")
    for name, width, height, scheme in (("light", 1280, 800, "light"), ("dark", 1280, 800, "dark"),
                                        ("phone", 390, 844, "light")):
        with Browser(driver, width, height) as page:
            page.resize(width, height, mobile=name == "phone")
            page.prefer(prefers_color_scheme=scheme)
            ready(page, place.address)
            choose(page, "python 3")
            page.fill("#code", program)
            page.fill("#stdin", "100")
            run(page)
            page.screenshot(f"{directory}/playground-{name}.png")
            if name == "phone":
                page.run("scrollTo(0, 0)")
                page.screenshot(f"{directory}/playground-phone-top.png")
            page.open(f"http://{place.address}/docs")
            until(lambda page=page: page.value("document.querySelectorAll('section').length") > 5, "the sections")
            page.screenshot(f"{directory}/docs-{name}.png")
            page.run("document.getElementById('post_api_v2_execute').scrollIntoView()")
            page.screenshot(f"{directory}/docs-{name}-execute.png")


def attempt(case, driver, place):
    try:
        with Browser(driver) as page:
            case(page, place)
        return "ok"
    except Skipped as reason:
        return f"skipped: {reason}"
    except Exception:  # whatever it is, the next case is tried
        return "FAILED\n" + traceback.format_exc()


def main():
    parser = argparse.ArgumentParser(prog="tests/pages/pages.py", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="WORD", help="only cases with such a word in their name")
    parser.add_argument("--binaries", metavar="DIR", default=os.path.join(REPOSITORY, "build/dev/bin"))
    parser.add_argument("--port", type=int, default=0, help="of the engine; default: any that is free")
    parser.add_argument("--pictures", metavar="DIR", help="only take pictures of the pages, to look at")
    parser.add_argument("--lenient", action="store_true", help="a case that was skipped does not fail the run")
    options = parser.parse_args()
    chosen = [case for case in CASES
              if not options.cases or any(word in case.__name__ for word in options.cases)]
    results = []
    ports = [options.port] if options.port else None
    with Driver() as driver, Engine(options.binaries, "pages", SETTINGS, ports) as place:
        if options.pictures:
            return take_pictures(driver, place, options.pictures)
        for case in chosen:
            results.append(attempt(case, driver, place))
            print(f"{case.__name__.replace('_', ' ')}: {results[-1]}", flush=True)
    good = results.count("ok")
    skipped = sum(result.startswith("skipped") for result in results)
    print(f"pages: {good} passed, {len(results) - good - skipped} failed, {skipped} skipped")
    if not good or good + (skipped if options.lenient else 0) < len(results):
        sys.exit(1)


if __name__ == "__main__":
    main()

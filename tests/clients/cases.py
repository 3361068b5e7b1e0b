"""What the case programs in Python share: the engine's address, clients that have emkc.org in their
code, and a runner that prints one JSON line a case, which clients.py reads."""

import json
import os

URL = os.environ["CRANKCASE_URL"]
PUBLIC = "https://emkc.org"


def redirect_public_address():
    """Sends what `requests` would send to emkc.org to the engine, unchanged but for the address."""
    from requests.adapters import HTTPAdapter
    send = HTTPAdapter.send

    def redirected(self, request, **options):
        if not request.url.startswith(PUBLIC + "/"):
            raise AssertionError("a request to " + request.url)
        request.url = URL + request.url[len(PUBLIC):]
        return send(self, request, **options)

    HTTPAdapter.send = redirected


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} instead of {wanted!r}")


def refusal(kind, call):
    """The sentence that a call is refused with."""
    try:
        got = call()
    except kind as error:
        return str(error)
    raise AssertionError(f"it was not refused but gave {got!r}")


def run(cases):
    """Runs the named cases one after another; a case fails by raising."""
    for name, body in cases.items():
        why = None
        try:
            body()
        except Exception as error:  # a client may raise anything
            why = f"{type(error).__name__}: {error}"
        print(json.dumps({"case": name, "why": why}), flush=True)

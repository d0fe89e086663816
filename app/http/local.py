"""Who is on this machine: until accounts exist, what is not public is answered to its own user alone.

Whoever has signed in was let in by the route's need already, from wherever.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request

from app.http.access import actor_of

_LOOPBACK: Final = ("127.0.0.1", "::1")
_LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "::1")
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")


def from_this_machine(request: Request) -> bool:
    """Whether an account asks, or the request was made here.

    Here: under a loopback name, not forwarded, and not by another site's page.
    """
    if actor_of(request).kind == "account":
        return True
    host = request.client.host if request.client else ""
    forwarded = any(name in request.headers for name in _FORWARDED)
    foreign = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    crossing = foreign and request.method not in ("GET", "HEAD")
    return host in _LOOPBACK and not forwarded and not crossing and request.url.hostname in _LOCAL_NAMES

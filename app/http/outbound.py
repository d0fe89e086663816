"""Requests that leave this machine because somebody gave an address: signed, short, and never into private networks.

The name is resolved once, every address it has is checked, and the connection goes to a checked address itself, so a
name that answers differently the second time gains nothing. No redirects, no proxies, little of the answer is read.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

import httpx2
from standardwebhooks.webhooks import Webhook

from app.errors import Refused, refuse

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """How the receiver took it: its status, or 0 and the kind of failure. `said`: the beginning of what it answered."""

    status: int
    failure: str = ""
    said: str = field(default="", compare=False)

    @property
    def taken(self) -> bool:
        """Only 2xx; a redirect is not followed and counts as refused."""
        return 200 <= self.status < 300


def checked_address(url: str, private_hosts: Collection[str]) -> tuple[str, str]:
    """(host, one checked IP address) of `url`. Refused `webhook.address` unless it is https to public addresses only.

    `private_hosts`: names that the operator lets stand anywhere, over http too.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(url, "cannot be read") from None
    trusted = host in private_hosts
    if parts.scheme != "https" and not (trusted and parts.scheme == "http"):
        raise _refused(host, "is not https")
    if not host or parts.username or parts.password or parts.fragment:
        raise _refused(host, "has credentials, a fragment or no host")
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refused(host, "does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not trusted and not all(_public(address) for address in addresses):
        raise _refused(host, "is not public")
    return host, addresses[0]


def _public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            ip = inner
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def send(
    url: str,
    secret: str,
    message_id: str,
    body: str,
    now: datetime,
    private_hosts: Collection[str],
    most: int = 0,
) -> Answer:
    """POST `body` with Standard Webhooks' headers, keeping at most `most` bytes of what is answered.

    Never raises: what went wrong is the answer.
    """
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
    try:
        status, said = exchange("POST", url, private_hosts, headers, body, most)
    except Refused as refused:
        return Answer(0, refused.problem.code)
    except httpx2.HTTPError as error:
        return Answer(0, type(error).__name__)
    return Answer(status, said="".join(c for c in said.decode(errors="replace") if c.isprintable()))


def exchange(
    method: str,
    url: str,
    private_hosts: Collection[str],
    headers: Mapping[str, str] = MappingProxyType({}),
    body: str = "",
    most: int = 0,
) -> tuple[int, bytes]:
    """The answer's status and at most `most` bytes of it. Raises Refused `webhook.address`, HTTPError."""
    host, address = checked_address(url, private_hosts)
    parts = urlsplit(url)
    literal = f"[{address}]" if ":" in address else address
    netloc = f"{literal}:{parts.port}" if parts.port else literal
    target = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    known = {"Host": parts.netloc, **headers}
    with (
        httpx2.Client(follow_redirects=False, trust_env=False, timeout=TIMEOUT_SECONDS) as client,
        client.stream(
            method, target, content=body, headers=known, extensions={"sni_hostname": host}
        ) as answer,
    ):
        found = b""
        for part in answer.iter_bytes() if most else ():
            found += part
            if len(found) >= most:
                break
        return answer.status_code, found[:most]


def _refused(host: str, en: str) -> Refused:
    words = {
        "cannot be read": "无法识别",
        "is not https": "不是 https",
        "has credentials, a fragment or no host": "含有凭据、片段或没有主机名",
        "does not resolve": "无法解析",
        "is not public": "不在公网",
    }
    return refuse(
        "webhook.address",
        f"接收地址{words[en]}。",
        f"The receiver's address {en}.",
        "请使用公网 https 地址；政务内网的接收方由运行单位列入 WEBHOOK_PRIVATE_HOSTS。",
        "Use a public https address; receivers inside are listed by the operator in WEBHOOK_PRIVATE_HOSTS.",
        host=host[:100],
    )

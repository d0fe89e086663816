"""The inspector's phone without a network: what was made stays, page killed or not, until the server names its hash."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import BrowserContext, Error, Page, Playwright, expect

from app.http.access import cookie_name
from app.people import sessions
from app.visits import repository
from app.visits.demo_story import demo_picture
from app.visits.tables import Visit
from tests.accounts import made
from tests.journeys.conftest import ARGUMENTS, chromium
from tests.served_site import Site, arrived, served
from tests.visited_round import Visited

PLAIN = "phone.example"
SPOIL = """async () => {
  const done = request => new Promise(then => request.onsuccess = () => then(request.result));
  const db = await done(indexedDB.open("outbox", 1));
  const rows = db.transaction("rows", "readwrite").objectStore("rows");
  const row = (await done(rows.getAll()))[0];
  const bytes = new Uint8Array(row.data);
  bytes[bytes.length >> 1] ^= 1;
  await done(rows.put({...row, data: bytes.buffer}));
}"""
"""What a failing memory does to a photo that waits."""


def certificate(folder: Path) -> dict[str, str]:
    """A server's certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    kept = {"ssl_certfile": folder / "cert.pem", "ssl_keyfile": folder / "key.pem"}
    kept["ssl_certfile"].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    kept["ssl_keyfile"].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {option: str(path) for option, path in kept.items()}


@dataclass
class Phone:
    """A browser with a memory on disk, which outlives it; it takes the certificate, and has a name for this machine."""

    playwright: Playwright
    memory: Path
    context: BrowserContext | None = None
    ahead: timedelta = timedelta(minutes=-10)

    def on(self, now: datetime) -> BrowserContext:
        """Switch it on; its clock is so much ahead, or a little behind."""
        rules = ["--ignore-certificate-errors", f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1"]
        self.context = self.playwright.chromium.launch_persistent_context(
            self.memory,
            executable_path=chromium(),
            args=[*ARGUMENTS, *rules],
            viewport={"width": 390, "height": 800},
            ignore_https_errors=True,
        )
        self.context.clock.set_system_time(now + self.ahead)
        return self.context

    def kill(self) -> None:
        """SIGKILL to every process of this browser, told by its own folder."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"--user-data-dir={self.memory}".encode() in entry.read_bytes().split(b"\0"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)
        assert self.context
        with suppress(Error):
            self.context.close()


@pytest.fixture
def phone(playwright: Playwright, tmp_path: Path) -> Iterator[Phone]:
    made = Phone(playwright, tmp_path / "phone")
    yield made
    if made.context:
        made.context.close()


@pytest.fixture
def site(visited_sqlite: Visited, tmp_path: Path) -> Iterator[Site]:
    """A seated round under https, two departments arrived at the first joint visit."""
    with served(visited_sqlite, tmp_path, **certificate(tmp_path)) as site:
        visit = joint(site)
        arrived(site.visited, visit, site.visited.at(visit))
        site.now = site.visited.at(visit, 60)
        yield site


def joint(site: Site) -> Visit:
    return site.visited.visit(2)[0]


def session_of(site: Site) -> str:
    """The session of an inspector who is there: beyond loopback nobody gets in without one."""
    crews = site.visited.crews(joint(site).key)
    account = made(site.visited.desk.db, "phone", "inspector", inspector=next(iter(crews.values()))[0])
    with site.visited.desk.db.write() as session:
        return sessions.begin(session, datetime.now(UTC), account=account.id)


def at_visit(phone: Phone, site: Site, base: str, secret: str = "") -> Page:
    """The visit's page on a phone of that day."""
    context = phone.on(site.now)
    if secret:
        context.add_cookies([{"name": cookie_name(False), "value": secret, "url": base}])
    page = context.new_page()
    page.goto(f"{base}/staff/visits/{joint(site).key}?by=P001")
    return page


def ready_offline(page: Page) -> None:
    expect(page.locator("#outbox")).to_have_attribute("data-kept", "4", timeout=20_000)


def add_photo(page: Page, data: bytes, name: str) -> str:
    """Give the form a photo; gives the hash that the page shows of it."""
    page.locator("input[name=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    page.locator("form[action$='/evidence'] button").click()
    digest = hashlib.sha256(data).hexdigest()
    expect(page.locator(f"#outbox li[data-hash='{digest}']")).to_be_visible()
    return digest


def sign(page: Page) -> None:
    """Draw where the canvas is once it stands still: what was kept before it may still move it."""
    canvas, kept_before = page.locator("#signature canvas"), page.locator("#outbox li").count()
    canvas.hover(position={"x": 30, "y": 30})
    page.mouse.down()
    canvas.hover(position={"x": 200, "y": 80})
    page.mouse.up()
    page.locator("#signature .primary").click()
    expect(page.locator("#outbox li")).to_have_count(kept_before + 1)


def kept(site: Site) -> dict[str, str]:
    """What the server has of the visit: kind by hash."""
    with site.visited.desk.db.read() as session:
        return {row.sha256: row.kind for row in repository.evidence(session, joint(site).key)}


def answered(site: Site) -> dict[str, str]:
    with site.visited.desk.db.read() as session:
        return {code: row.answer for code, row in repository.answers(session, joint(site).key).items()}


def test_a_stopped_site_leaves_no_socket_behind(site: Site) -> None:
    """Neither a TLS connection whose peer says no farewell nor one in the middle of its handshake.

    Otherwise some later test would fail for it, wherever the garbage collector finds it.
    """
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", site.port)) as half:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", site.port))) as whole:
            whole.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            assert whole.recv(15) == b"HTTP/1.1 200 OK"
            with warnings.catch_warnings(record=True) as left:
                warnings.simplefilter("always", ResourceWarning)
                site.stop()
                gc.collect()
        assert half.recv(1) == b""
    site.start()
    assert [str(one.message) for one in left if "socket" in str(one.message).lower()] == []


def test_an_inspector_without_network_loses_nothing(phone: Phone, site: Site) -> None:
    """No network, two photos, a signature and answers; the page is killed; then all arrives, each once.

    The phone's clock is two hours ahead: what it made is taken all the same, with the time of its receipt.
    """
    phone.ahead = timedelta(hours=2)
    page = at_visit(phone, site, site.base)
    ready_offline(page)
    site.stop()
    page.reload()
    assert page.locator("h1").inner_text() == joint(site).name
    questions = [row["code"] for row in joint(site).checklist]
    for code in questions:
        page.locator(f"input[name='answer:{code}'][value=no]").check()
    photos = {add_photo(page, demo_picture(name), f"{name}.png") for name in ("one", "two")}
    sign(page)
    waiting = page.locator("#outbox li")
    expect(waiting).to_have_count(4)

    phone.kill()
    page = at_visit(phone, site, site.base)
    expect(waiting := page.locator("#outbox li")).to_have_count(4, timeout=20_000)
    assert page.locator("input[type=radio][value=no]:checked").count() == len(questions)
    assert kept(site) == answered(site) == {}

    site.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(waiting).to_have_count(0, timeout=20_000)
    found = kept(site)
    assert {digest for digest, kind in found.items() if kind == "photo"} == photos
    assert sorted(found.values()) == ["photo", "photo", "signature"]
    assert answered(site) == dict.fromkeys(questions, "no")
    with site.visited.desk.db.read() as session:
        assert all(row.ahead for row in repository.evidence(session, joint(site).key))


def test_a_row_stays_while_the_server_names_another_hash(phone: Phone, site: Site) -> None:
    page = at_visit(phone, site, site.base)
    ready_offline(page)
    site.stop()
    add_photo(page, demo_picture("spoilt") + bytes(64) + demo_picture("spoilt")[-12:], "spoilt.png")
    page.evaluate(SPOIL)
    site.start()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#outbox li")).to_contain_text("与本机不同", timeout=20_000)
    assert len(kept(site)) == 1


def test_what_the_server_refuses_is_shown_with_its_reason(phone: Phone, site: Site) -> None:
    page = at_visit(phone, site, site.base)
    add_photo(page, b"not a picture", "a.png")
    line = page.locator("#outbox li")
    expect(line).to_contain_text("JPEG", timeout=20_000)
    page.on("dialog", lambda dialog: dialog.accept())
    line.locator("button").click()
    expect(line).to_have_count(0)
    assert kept(site) == {}


def test_plain_http_says_what_needs_https(
    phone: Phone, visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with served(visited_sqlite, tmp_path_factory.mktemp("plain")) as site:
        visit = joint(site)
        arrived(site.visited, visit, site.visited.at(visit))
        secret = session_of(site)
        site.now = datetime.now(UTC)  # accounts are made in real time, and the log never goes back
        page = at_visit(phone, site, f"http://{PLAIN}:{site.port}", secret)
        assert page.evaluate("isSecureContext") is False
        expect(page.locator("#outbox [role=status]")).to_contain_text("https")
        page.locator("input[name=file]").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": demo_picture("plain")}
        )
        page.locator("form[action$='/evidence'] button").click()
        expect(page.locator("ul.hashes li")).to_have_count(1)
        assert list(kept(site).values()) == ["photo"]

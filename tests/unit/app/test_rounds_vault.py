"""The service's key: made whole or not at all, once, readable by its user alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.rounds.vault import KEY_FILE, Vault


def test_being_killed_while_the_key_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            Vault(tmp_path)
    assert not (tmp_path / KEY_FILE).exists()
    assert Vault(tmp_path).open(Vault(tmp_path).seal(b"secret")) == b"secret"


def test_many_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault(tmp_path), range(32)))
    sealed = vaults[0].seal(b"secret")
    assert {vault.open(sealed) for vault in vaults} == {b"secret"}
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600

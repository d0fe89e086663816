"""Section 1: bytes, order, refusals; RFC 9162 trees; canonical JSON."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import Refused
from scheduler.encoding import Json, canonical_json, text_fault
from scheduler.frame import Frame, excluded_hash, excluded_tsv, sealed_excluded_hash
from scheduler.merkle import head_and_paths, inclusion_path, path_leads_to, tree_head
from scheduler.suite import SHA256, suite

IDS = st.text("0123456789ABCXYZ._:-", min_size=1, max_size=64)
CELLS = st.text("天山区a é.-0", max_size=4).map(str.strip)
COLUMNS = ("target_id", "district", "risk")


@given(st.dictionaries(IDS, st.tuples(CELLS, CELLS), max_size=12), st.randoms())
def test_bytes_do_not_depend_on_the_order_of_rows(rows: dict[str, tuple[str, str]], random: Any) -> None:
    listed = [(target_id, *cells) for target_id, cells in rows.items()]
    shuffled = random.sample(listed, len(listed))
    frame = Frame(COLUMNS, iter(shuffled))
    expected = b"target_id\tdistrict\trisk\n" + b"".join(
        "\t".join(row).encode() + b"\n" for row in sorted(listed, key=lambda row: row[0].encode())
    )
    assert frame.tsv() == expected
    assert frame.frame_hash(SHA256) == hashlib.sha256(expected).digest()
    assert Frame.from_tsv(expected) == frame
    assert list(frame.rows) == sorted(shuffled)


@given(st.text(max_size=5))
def test_only_clean_values_enter(cell: str) -> None:
    if text_fault(cell) is None:
        assert list(Frame(COLUMNS, [("A", cell, "")]).rows) == [("A", cell, "")]
    else:
        with pytest.raises(Refused) as caught:
            Frame(COLUMNS, [("B", "", ""), ("A", cell, "")])
        assert caught.value.problem.params["row"] == 2
        assert caught.value.problem.params["field"] == "district"


@pytest.mark.parametrize(
    "cell",
    [
        " a",
        "a ",
        "a\tb",
        "a\nb",
        "a\r",
        "\ufeff",
        "a\u200bb",
        "\u202eabc",
        "\u2028",
        "\u2029",
        "\ud800",
        "\u0378",
        "e\u0301",
        "\u212b",
        "\x7f",
        None,
        7,
    ],
)
def test_values_that_are_refused(cell: Any) -> None:
    with pytest.raises(Refused) as caught:
        Frame(COLUMNS, [("A", "天山区", cell)])
    problem = caught.value.problem
    assert (problem.code, problem.params["row"], problem.params["field"]) == ("frame.bad_value", 1, "risk")
    assert problem.remedy_zh
    assert problem.remedy_en


@pytest.mark.parametrize("cell", ["", "a b", "\u3000a", "\u00a0", "é", "𠮷", "\ue000"])
def test_values_that_are_allowed(cell: str) -> None:
    """An ideographic or no-break space at an end is not U+0020; private use is not among the categories."""
    assert text_fault(cell) is None


@pytest.mark.parametrize(
    ("rows", "code", "row"),
    [
        ([("", "a", "b")], "frame.bad_id", 1),
        ([("A", "a", "b"), ("a", "a", "b")], "frame.bad_id", 2),
        ([("Ａ", "a", "b")], "frame.bad_id", 1),
        ([("A\n", "a", "b")], "frame.bad_id", 1),
        ([("A" * 65, "a", "b")], "frame.bad_id", 1),
        ([("A B", "a", "b")], "frame.bad_id", 1),
        ([("A", "a")], "frame.cells", 1),
        ([("B", "a", "b"), ("A", "a", "b", "c")], "frame.cells", 2),
        ([("B", "a", "b"), ("A", "a", "b"), ("B", "c", "d")], "frame.duplicate_id", 3),
        ([("A", "a", "b"), ("A", "a", "b")], "frame.duplicate_id", 2),
    ],
)
def test_rows_that_are_refused(rows: list[tuple[str, ...]], code: str, row: int) -> None:
    with pytest.raises(Refused) as caught:
        Frame(COLUMNS, rows)
    assert (caught.value.problem.code, caught.value.problem.params["row"]) == (code, row)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ((), "frame.first_column"),
        (("district",), "frame.first_column"),
        (("target_id", "a", "a"), "frame.duplicate_column"),
        (("target_id", " a"), "frame.bad_column"),
        (("target_id", "a\tb"), "frame.bad_column"),
    ],
)
def test_columns_that_are_refused(columns: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refused) as caught:
        Frame(columns, [])
    assert caught.value.problem.code == code


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"target_id\tdistrict\nB\tx\nA\ty\n",
        b"target_id\tdistrict\nA\tx",
        b"target_id\tdistrict\r\nA\tx\r\n",
        b"\xef\xbb\xbftarget_id\nA\n",
        b"target_id\nA\n\n",
        b"target_id\n\xff\n",
    ],
)
def test_bytes_that_are_no_frame(data: bytes) -> None:
    with pytest.raises(Refused):
        Frame.from_tsv(data)


def test_an_empty_frame_is_its_header() -> None:
    frame = Frame(("target_id",), [])
    assert frame.tsv() == b"target_id\n"
    assert len(frame) == 0
    assert frame.sealed_root(SHA256, "D", (), bytes(32)) == hashlib.sha256(b"").digest()


def test_excluded_is_sorted_and_checked() -> None:
    data = excluded_tsv([("B", "cap"), ("A", "closed")])
    assert data == b"A\tclosed\nB\tcap\n"
    assert excluded_tsv([]) == b""
    assert excluded_hash(SHA256, data) == hashlib.sha256(data).digest()
    sealed = {
        sealed_excluded_hash(SHA256, draw_id, bytes([salt] * 32), data) for draw_id in "XY" for salt in (0, 1)
    }
    assert len(sealed) == 4
    frame = Frame(("target_id",), [("A",)])
    for pairs, code in (
        ([("A", "x"), ("A", "y")], "frame.duplicate_id"),
        ([("a", "x")], "frame.bad_id"),
        ([("A", "x ")], "frame.bad_value"),
        ([("A", "x")], "frame.excluded_included"),
    ):
        with pytest.raises(Refused) as caught:
            excluded_tsv(pairs, frame)
        assert caught.value.problem.code == code


def test_an_opening_hides_internal_cells() -> None:
    frame = Frame(("target_id", "credit", "district"), [("A", "D", "天山区"), ("B", "A", "新市区")])
    opening = frame.opening(SHA256, "X", ("credit",), bytes(32), "A")
    assert opening.public_cells == ("A", "天山区")
    other = Frame(frame.columns, [("A", "C", "天山区"), ("B", "A", "新市区")])
    assert other.opening(SHA256, "X", ("credit",), bytes(32), "A").inner_hash != opening.inner_hash
    assert (
        other.opening(SHA256, "X", ("credit",), bytes(32), "B").inner_hash
        == frame.opening(SHA256, "X", ("credit",), bytes(32), "B").inner_hash
    )
    with pytest.raises(Refused) as caught:
        frame.opening(SHA256, "X", ("credit",), bytes(32), "C")
    assert caught.value.problem.code == "frame.no_target"


RFC_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
RFC_HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_tree_heads_are_certificate_transparencys() -> None:
    """The test tree of the certificate-transparency project, heads of its first one to eight leaves."""
    assert [tree_head(SHA256, RFC_LEAVES[:count]).hex() for count in range(1, 9)] == RFC_HEADS
    assert tree_head(SHA256, []) == hashlib.sha256(b"").digest()


def recursive_head(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + recursive_head(leaves[:split]) + recursive_head(leaves[split:])).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 31, 32, 33, 100])
def test_every_path_leads_to_the_head_and_nowhere_else(count: int) -> None:
    leaves = [bytes([number]) for number in range(count)]
    head, paths = head_and_paths(SHA256, leaves, range(count))
    assert head == recursive_head(leaves)
    for index, leaf in enumerate(leaves):
        assert path_leads_to(SHA256, leaf, index, count, paths[index], head)
        assert not path_leads_to(SHA256, leaf + b"x", index, count, paths[index], head)
        assert not path_leads_to(SHA256, leaf, index, count, (*paths[index], head), head)
        assert not path_leads_to(SHA256, leaf, index + count, count, paths[index], head)
        assert not paths[index] or not path_leads_to(SHA256, leaf, index, count, paths[index][:-1], head)
    assert inclusion_path(SHA256, leaves, count - 1) == paths[count - 1]
    with pytest.raises(IndexError):
        inclusion_path(SHA256, leaves, count)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text().filter(str.isprintable),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abz_Z09"), inner),
    )
)
def test_canonical_json_reads_back(value: Any) -> None:
    data = canonical_json(value)
    assert json.loads(data) == value
    assert data == canonical_json(json.loads(data))


def test_canonical_json_has_known_bytes() -> None:
    value: Json = {"b": [1, None, 'é"\\\n\x01\x7f/'], "a": {"Z": -1, "A": ()}, "€"[:0] + "c": True}
    expected = '{"a":{"A":[],"Z":-1},"b":[1,null,"é\\"\\\\\\n\\u0001\x7f/"],"c":true}'
    assert canonical_json(value) == expected.encode()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "json.type"),
        ({"a": [float("nan")]}, "json.type"),
        (2**53, "json.integer"),
        (-(2**53), "json.integer"),
        ({"é": 1}, "json.key"),
        ({1: 1}, "json.key"),
        ("\ud800", "json.surrogate"),
        ({"a": b""}, "json.type"),
        ({"a": {1}}, "json.type"),
    ],
)
def test_canonical_json_refuses(value: Any, code: str) -> None:
    with pytest.raises(Refused) as caught:
        canonical_json({"outer": value})
    assert caught.value.problem.code == code
    assert str(caught.value.problem.params["place"]).startswith("$.outer")


def test_a_manifest_has_no_booleans() -> None:
    with pytest.raises(Refused) as caught:
        canonical_json({"demo": True}, booleans=False)
    assert caught.value.problem.code == "json.boolean"


def test_an_unknown_suite_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        suite("DR1-HMAC-MD5")
    assert caught.value.problem.code == "suite.unknown"


def test_an_absent_hash_is_refused_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, data: bytes = b"") -> object:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", absent)
    with pytest.raises(Refused) as caught:
        suite("DR1-HMAC-SM3")
    assert caught.value.problem.code == "suite.unavailable"

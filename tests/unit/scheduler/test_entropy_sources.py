"""Public sources: normalised values, honest sizes, refused nonsense; drand's known answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import Refused
from scheduler.entropy import drand
from scheduler.entropy.drand import MAINNET, NETWORKS, QUICKNET, Beacon, drand_source, verified_randomness
from scheduler.entropy.lottery_issue import OUTCOMES, lottery_issue, normal_result
from scheduler.entropy.witness_digits import normal_digits, witness_digits
from scheduler.seed import entropy_bytes

KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "drand.json").read_text())


@pytest.mark.parametrize("case", KNOWN["cases"], ids=lambda case: f"{case['round']}-{case['valid']}")
def test_drand_known_answers(case: dict[str, Any]) -> None:
    network = NETWORKS[case["net"].split()[0]]
    beacon = Beacon(case["round"], case["signature"], case["previous_signature"])
    if case["valid"]:
        assert verified_randomness(network, beacon) == case["randomness"]
        return
    with pytest.raises(Refused) as caught:
        verified_randomness(network, beacon)
    assert caught.value.problem.code == "entropy.drand_signature"


def test_drand_keys_are_the_published_ones() -> None:
    assert QUICKNET.public_key == KNOWN["quicknet_public_key"]
    assert MAINNET.public_key == KNOWN["mainnet_public_key"]


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        ("b7" * 47, "entropy.drand_format"),
        ("B7" * 48, "entropy.drand_format"),
        ("zz" * 48, "entropy.drand_format"),
        ("00" * 48, "entropy.drand_point"),
        ("c0" + "00" * 47, "entropy.drand_point"),
        ("9f" + "ff" * 47, "entropy.drand_point"),
        (
            "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97c",
            "",
        ),
    ],
)
def test_drand_refuses_what_is_no_signature(signature: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        verified_randomness(QUICKNET, Beacon(657413, signature))
    assert caught.value.problem.code == code or (not code and "drand_" in caught.value.problem.code)


def test_drand_chained_needs_the_signature_before() -> None:
    case = KNOWN["cases"][2]
    with pytest.raises(Refused) as caught:
        verified_randomness(MAINNET, Beacon(case["round"], case["signature"]))
    assert caught.value.problem.code == "entropy.drand_chain"


def test_drand_source_and_times() -> None:
    source = drand_source(QUICKNET, 657413)
    assert (source.id, source.encoding, source.bits) == ("drand quicknet 657413", "hex", 256)
    with pytest.raises(Refused):
        drand_source(QUICKNET, 0)
    assert QUICKNET.time_of(1) == datetime(2023, 8, 23, 15, 9, 27, tzinfo=UTC)
    assert MAINNET.time_of(2) == datetime(2020, 7, 22, 15, 18, 0, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=10**9))
def test_drand_round_after_is_the_next_one(seconds: int) -> None:
    moment = datetime.fromtimestamp(QUICKNET.genesis + seconds, UTC)
    following = QUICKNET.round_after(moment)
    assert QUICKNET.time_of(following) > moment
    assert following == 1 or QUICKNET.time_of(following - 1) <= moment


def test_lottery_issue_counts_its_bits() -> None:
    assert OUTCOMES == 17_721_088
    source = lottery_issue("2027001")
    assert (source.id, source.encoding, source.bits) == ("双色球 2027001", "utf8", 24)
    assert 2**source.bits <= OUTCOMES < 2 ** (source.bits + 1)


@pytest.mark.parametrize("issue", ["", "27001", "2027000", "２０２７００１", "2027001 "])
def test_lottery_issue_refuses(issue: str) -> None:
    with pytest.raises(Refused) as caught:
        lottery_issue(issue)
    assert caught.value.problem.code == "entropy.issue"


@pytest.mark.parametrize(
    "text", ["03 07 11 19 24 30+09", " 03  07 11 19 24 30 + 09 ", "０３ ０７ １１ １９ ２４ ３０＋０９"]
)
def test_lottery_result_is_normalised(text: str) -> None:
    assert normal_result(text) == "03 07 11 19 24 30+09"
    assert entropy_bytes("utf8", normal_result(text)) == b"03 07 11 19 24 30+09"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "03 07 11 19 24+09",
        "03 07 11 19 30 24+09",
        "03 03 11 19 24 30+09",
        "00 07 11 19 24 30+09",
        "03 07 11 19 24 34+09",
        "03 07 11 19 24 30+17",
        "03 07 11 19 24 30+00",
        "3 7 11 19 24 30+9",
        "03 07 11 19 24 30 09",
    ],
)
def test_lottery_result_refuses(text: str) -> None:
    with pytest.raises(Refused) as caught:
        normal_result(text)
    assert caught.value.problem.code == "entropy.lottery_result"
    assert caught.value.problem.remedy_zh
    assert caught.value.problem.remedy_en


def test_witness_digits_count_their_bits() -> None:
    source = witness_digits("witness digits, first call")
    assert (source.encoding, source.bits) == ("utf8", 66)
    assert "'01234567890123456789'" in source.rule
    assert normal_digits("０１２３ 4567 8901 2345 6789") == "01234567890123456789"


@pytest.mark.parametrize("text", ["", "0" * 19, "0" * 21, "0123456789012345678x", "一" * 20, "²" * 19 + "x"])
def test_witness_digits_refuse(text: str) -> None:
    with pytest.raises(Refused) as caught:
        normal_digits(text)
    assert caught.value.problem.code == "entropy.digits"


def test_too_few_witness_digits_are_refused() -> None:
    with pytest.raises(Refused):
        witness_digits("short", 19)


def test_drand_refuses_a_point_outside_the_subgroup() -> None:
    """On the curve, well encoded, but of another order: no signature can be such a point."""
    points = drand._loaded("bls.g2_primitives")  # not by import, which would lift the recursion limit
    for x in range(1, 50):
        signature = (x + 2**383).to_bytes(48, "big")
        try:
            point = points.pubkey_to_G1(signature)
        except ValueError:
            continue
        assert not points.subgroup_check(point)
        break
    with pytest.raises(Refused) as caught:
        verified_randomness(QUICKNET, Beacon(657413, signature.hex()))
    assert caught.value.problem.code == "entropy.drand_point"

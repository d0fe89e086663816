"""Cheats in manifest, commitments, entropy, frames, draw, seal and log."""

from __future__ import annotations

from tests.unit.scheduler.cheats import (
    DRAW1,
    DRAW2,
    DRAW3,
    FULL,
    HIDDEN,
    bind_manifest,
    caught,
    hashed,
    strata,
)
from tests.unit.scheduler.round_factory import Draft
from tests.unit.scheduler.round_frozen import SALT


@caught("manifest")
def ratio_changed(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"]["ratio_ppm"] += 1


@caught("draw")
def ratio_changed_and_rebound(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"]["ratio_ppm"] += 1
    bind_manifest(draft)


@caught("manifest")
def minimum_above_maximum(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"] |= {"min": 5, "max": 4}
    bind_manifest(draft)


@caught("manifest", "open/public", "open/auditor")
def internal_column_in_open_round(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["internal"] = ["credit"]
    bind_manifest(draft)


@caught("manifest")
def draws_out_of_order(draft: Draft) -> None:
    draft.docs["manifest"]["draws"].reverse()
    bind_manifest(draft)


@caught("manifest")
def equal_commitments(draft: Draft) -> None:
    first, second = draft.docs["manifest"]["commitments"]
    second["commitment"] = first["commitment"]
    bind_manifest(draft)


@caught("manifest")
def text_not_normalised(draft: Draft) -> None:
    draft.docs["manifest"]["title"] = "e\u0301"
    bind_manifest(draft)


@caught("manifest")
def recent_as_stratum(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][1]["strata_by"] = ["credit", "recent"]
    bind_manifest(draft)


@caught("manifest")
def second_manifest_logged(draft: Draft) -> None:
    rows = draft.docs["log/entries"]
    rows.insert(1, {"index": 41, "entry": dict(rows[0]["entry"])})


@caught("manifest")
def unknown_file_added(draft: Draft) -> None:
    draft.docs["results/D4-ghost"] = {}


@caught("manifest")
def verifier_changed(draft: Draft) -> None:
    draft.raw["verify.py"] += b"# sleeps\n"


@caught("commitments")
def secret_changed(draft: Draft) -> None:
    draft.docs["reveal"]["secrets"][0]["secret"] = "00" * 32
    draft.log_reveal()


@caught("commitments")
def party_left_out(draft: Draft) -> None:
    draft.docs["reveal"]["secrets"].pop()
    draft.log_reveal()


@caught("commitments", "sealed/auditor")
def salt_changed(draft: Draft) -> None:
    draft.docs["reveal"]["k_salt"] = "00" * 32


@caught("commitments", "open/public", "open/auditor")
def salt_in_open_round(draft: Draft) -> None:
    draft.docs["reveal"]["k_salt"] = SALT.hex()


@caught("entropy")
def entropy_changed(draft: Draft) -> None:
    draft.docs["reveal"]["entropy"][0]["value"] = "01 02 03 04 05 06+07"
    draft.log_reveal()


@caught("draw", *FULL)
@caught("plan", *HIDDEN)
def entropy_changed_and_logged(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy"]
    entropy[0]["value"] = "01 02 03 04 05 06+07"
    draft.entry("entropy").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("assignment")
def second_entropy_changed_and_logged(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy_seats"]
    entropy[0]["value"] = "98765432109876543210"
    draft.entry("entropy_seats").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("entropy")
def entropy_in_upper_case(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy"]
    entropy[1]["value"] = entropy[1]["value"].upper()
    draft.entry("entropy").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("entropy")
def assurance_overstated(draft: Draft) -> None:
    draft.docs["manifest"]["entropy"][1]["bits"] = 39
    bind_manifest(draft)


@caught("entropy")
def demonstration_called_assured(draft: Draft) -> None:
    draft.docs["manifest"]["demo"] = 1
    bind_manifest(draft)


@caught("frames", *FULL)
def frame_row_edited(draft: Draft) -> None:
    draft.raw["frames/D2-cool.tsv"] = draft.raw["frames/D2-cool.tsv"].replace(b"\t0\n", b"\t1\n", 1)


@caught("frames", *FULL)
def frame_row_removed(draft: Draft) -> None:
    lines = draft.raw["frames/D1-credit.tsv"].splitlines(keepends=True)
    draft.raw["frames/D1-credit.tsv"] = b"".join(lines[:5] + lines[6:])


@caught("frames", *FULL)
def frame_rows_swapped(draft: Draft) -> None:
    lines = draft.raw["frames/D1-credit.tsv"].splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    draft.raw["frames/D1-credit.tsv"] = b"".join(lines)


@caught("frames", *FULL)
def frame_ends_in_crlf(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] = draft.raw["frames/D1-credit.tsv"].replace(b"\n", b"\r\n")


@caught("frames", *FULL)
def frame_without_last_newline(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] = draft.raw["frames/D1-credit.tsv"][:-1]


@caught("frames", *FULL)
def frame_not_text(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] += b"\xff\n"


@caught("frames", *FULL)
def exclusion_added(draft: Draft) -> None:
    draft.raw["excluded/D1-credit.tsv"] += b"91650100MAZ\tfriend\n"


@caught("frames", *FULL)
def exclusion_reason_changed(draft: Draft) -> None:
    draft.raw["excluded/D1-credit.tsv"] = b"91650100MAEXCLUDED\tclosed\n"


@caught("draw", *FULL)
def target_swapped_for_backup(draft: Draft) -> None:
    chosen = next(item for item in strata(draft, DRAW1) if item["selected"] and item["backups"])
    chosen["selected"][0], chosen["backups"][0] = chosen["backups"][0], chosen["selected"][0]


@caught("visits", *HIDDEN)
def target_swapped_in_list(draft: Draft) -> None:
    listed = draft.public[DRAW1]["selected"]
    listed[0] = "0" + listed[0][1:]


@caught("draw", *FULL)
def backup_removed(draft: Draft) -> None:
    next(item for item in strata(draft, DRAW1) if item["backups"])["backups"].pop()


@caught("draw", *FULL)
def number_changed(draft: Draft) -> None:
    strata(draft, DRAW3)[0]["selected"][0]["u"] = "1"


@caught("draw", *FULL)
def cutoff_changed(draft: Draft) -> None:
    strata(draft, DRAW3)[0]["cutoff"] = "1"


@caught("draw", *FULL)
def probability_changed(draft: Draft) -> None:
    strata(draft, DRAW2)[0]["pi_design"] = "1/7"


@caught("draw", *FULL)
def true_for_one(draft: Draft) -> None:
    next(item for item in strata(draft, DRAW2) if item["n"] == 1)["n"] = True


@caught("draw", *FULL)
def stratum_left_out(draft: Draft) -> None:
    strata(draft, DRAW2).pop()


@caught("draw", *HIDDEN)
def stratum_shown(draft: Draft) -> None:
    draft.public[DRAW1]["strata"] = [{"stratum": ["D"], "n": 3}]


@caught("draw", *HIDDEN)
def list_in_order_of_number(draft: Draft) -> None:
    draft.public[DRAW1]["selected"].reverse()


@caught("draw", *HIDDEN)
def one_drawn_is_dropped(draft: Draft) -> None:
    draft.public[DRAW3]["selected"].pop()
    draft.public[DRAW3]["n"] -= 1


@caught("draw", *HIDDEN)
def far_too_many_drawn(draft: Draft) -> None:
    ids = {f"9{number:03}" for number in range(60)} | set(draft.public[DRAW2]["selected"])
    draft.public[DRAW2] |= {"n": len(ids), "selected": sorted(ids)}


@caught("seal", *FULL)
@caught("log", *HIDDEN)
def seal_changed_in_reveal(draft: Draft) -> None:
    draft.docs["reveal"]["seal"] = "0" * 64
    draft.log_reveal()


@caught("seal", *FULL)
@caught("log", *HIDDEN)
def seal_changed_in_log(draft: Draft) -> None:
    draft.entry("seal")["digest"] = "0" * 64


@caught("seal", *FULL)
def seal_changed_everywhere(draft: Draft) -> None:
    draft.docs["reveal"]["seal"] = draft.entry("seal")["digest"] = "0" * 64
    draft.log_reveal()


@caught("log")
def log_reordered(draft: Draft) -> None:
    rows = draft.docs["log/entries"]
    rows[4]["entry"], rows[5]["entry"] = rows[5]["entry"], rows[4]["entry"]
    rows[4]["entry"]["at"], rows[5]["entry"]["at"] = rows[5]["entry"]["at"], rows[4]["entry"]["at"]


@caught("log")
def times_reversed(draft: Draft) -> None:
    draft.entry("seal")["at"] = "2027-01-04T14:00:00+08:00"


@caught("log")
def times_reversed_within_a_second(draft: Draft) -> None:
    draft.entry("seal")["at"] = "2027-01-04T14:59:59.49+08:00"


@caught("log")
def another_rounds_entry(draft: Draft) -> None:
    draft.entry("deposits")["sequence"] = 2


@caught("log")
def deposits_not_logged(draft: Draft) -> None:
    del draft.docs["log/entries"][1]


@caught("log")
def deposits_of_other_commitments(draft: Draft) -> None:
    draft.entry("deposits")["digest"] = "0" * 64


@caught("log")
def entropy_after_its_deadline(draft: Draft) -> None:
    draft.entry("entropy")["at"] = "2027-01-04T15:00:00.1+08:00"


@caught("log")
def reveal_not_the_logged_one(draft: Draft) -> None:
    draft.docs["reveal"]["assurance"] = 1


@caught("log")
def index_reused(draft: Draft) -> None:
    draft.docs["log/entries"][-1]["index"] = draft.docs["log/entries"][-2]["index"]


@caught("manifest")
def time_in_another_zone(draft: Draft) -> None:
    draft.entry("reveal")["at"] = "2027-03-31T10:00:05+00:00"

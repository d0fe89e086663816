"""`python -m app log anomalies`: rules of every draw, and anomalies worth an auditor's look."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from app import console
from app.audit.anomalies import USUAL
from app.audit.job import looked
from app.audit.names import LINES, RULES
from app.ledger import commands as ledger_commands
from app.web.language import translate


def anomalies(
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """各批次须守的规则与异常线索；有规则不成立则为 1 · rules of draws and anomalies; 1 where a rule is broken."""
    with ledger_commands.database().read() as session, console.progress(as_json) as progress:
        found = looked(session, progress)
    broken = [line for line in found.lines if not line.holds]
    if as_json:
        console.emit({"ok": not broken, **found.model_dump()})
        raise typer.Exit(1 if broken else 0)
    for code, title in LINES.items():
        rows = [line for line in found.lines if line.code == code]
        console.say(f"{_both(title)}: {sum(line.holds for line in rows)}/{len(rows)}")
    for line in broken:
        console.say(f"✗ {line.round_id} {line.code}: {line.detail}")
    for anomaly in found.anomalies:
        title, threshold = RULES[anomaly.code]
        cells = [(row.where, row.who, row.figure) for row in anomaly.rows]
        heading = f"{_both(title)} ({_both(threshold) % asdict(USUAL)}): {anomaly.count}"
        if cells:
            console.table(heading, ("何处 where", "何人 who", "数值 figure"), cells)
        else:
            console.say(heading)
    raise typer.Exit(1 if broken else 0)


def _both(text: str) -> str:
    return f"{text} · {translate('en', text)}"

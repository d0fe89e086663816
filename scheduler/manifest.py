"""The manifest of a round: everything that can influence its result, in one canonical object (section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from scheduler.encoding import Json, canonical_json
from scheduler.manifest_rules import check_manifest
from scheduler.reading import Reader
from scheduler.suite import Suite, suite

Rounding = Literal["ceil", "systematic"]
Stream = Literal["round", "own"]
Privacy = Literal["open", "sealed"]
Extra = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Rule:
    """How many of a stratum: a ratio in millionths, least and most, and how fractions round."""

    ratio_ppm: int
    min: int = 1
    max: int | None = None
    rounding: Rounding = "ceil"
    extra: Extra = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Json]:
        """The rule's object."""
        own: dict[str, Json] = {
            "ratio_ppm": self.ratio_ppm,
            "min": self.min,
            "max": self.max,
            "rounding": self.rounding,
        }
        return {**self.extra, **own}

    @classmethod
    def read(cls, reader: Reader, skip: tuple[str, ...] = ()) -> Rule:
        """Read the rule's keys from an object; `skip` are the keys that belong to its holder."""
        return cls(
            reader.integer("ratio_ppm"),
            reader.integer("min"),
            reader.integer_or_null("max"),
            cast("Rounding", reader.text("rounding")),
            reader.rest("ratio_ppm", "min", "max", "rounding", *skip),
        )


@dataclass(frozen=True, slots=True)
class StratumRule:
    """The rule of one stratum, named by its `strata_by` values."""

    key: tuple[str, ...]
    rule: Rule

    def to_json(self) -> dict[str, Json]:
        """The rule's object with its key."""
        return {**self.rule.to_json(), "key": self.key}

    @classmethod
    def read(cls, reader: Reader) -> StratumRule:
        """Read one entry of `strata`."""
        return cls(reader.texts("key"), Rule.read(reader, ("key",)))


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A recent target's chance as a share of its stratum's, in millionths."""

    lambda_ppm: int = 250_000
    extra: Extra = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Json]:
        """The cool-down's object."""
        return {**self.extra, "lambda_ppm": self.lambda_ppm}

    @classmethod
    def read(cls, reader: Reader) -> Cooldown:
        """Read a cool-down."""
        return cls(reader.integer("lambda_ppm"), reader.rest("lambda_ppm"))


@dataclass(frozen=True, slots=True)
class DrawSpec:
    """One draw of a round: one department's frame and the rules over it.

    `frame_hash` is set in an open round, `frame_root` in a sealed one, both lower-case hex, the other None.
    """

    draw_id: str
    department: str
    columns: tuple[str, ...]
    internal: tuple[str, ...]
    frame_hash: str | None
    frame_root: str | None
    frame_rows: int
    excluded_hash: str
    strata_by: tuple[str, ...]
    default: Rule
    strata: tuple[StratumRule, ...] = ()
    cooldown: Cooldown | None = None
    stream: Stream = "round"
    backups: int = 0
    extra: Extra = field(default_factory=dict, hash=False)

    def rule_of(self, key: tuple[str, ...]) -> Rule:
        """The stratum's own rule, else the default."""
        return next((entry.rule for entry in self.strata if entry.key == key), self.default)

    def to_json(self) -> dict[str, Json]:
        """The draw's object."""
        digests = {"frame_hash": self.frame_hash, "frame_root": self.frame_root}
        own: dict[str, Json] = {
            "draw_id": self.draw_id,
            "department": self.department,
            "columns": self.columns,
            "internal": self.internal,
            "frame_rows": self.frame_rows,
            "excluded_hash": self.excluded_hash,
            "strata_by": self.strata_by,
            "default": self.default.to_json(),
            "strata": [entry.to_json() for entry in self.strata],
            "cooldown": self.cooldown.to_json() if self.cooldown else None,
            "stream": self.stream,
            "backups": self.backups,
        }
        return {**self.extra, **own, **{name: value for name, value in digests.items() if value is not None}}

    @classmethod
    def read(cls, reader: Reader) -> DrawSpec:
        """Read one draw."""
        cooldown = reader.object_or_null("cooldown")
        return cls(
            draw_id=reader.text("draw_id"),
            department=reader.text("department"),
            columns=reader.texts("columns"),
            internal=reader.texts("internal"),
            frame_hash=reader.text("frame_hash") if "frame_hash" in reader else None,
            frame_root=reader.text("frame_root") if "frame_root" in reader else None,
            frame_rows=reader.integer("frame_rows"),
            excluded_hash=reader.text("excluded_hash"),
            strata_by=reader.texts("strata_by"),
            default=Rule.read(reader.object("default")),
            strata=tuple(StratumRule.read(entry) for entry in reader.objects("strata")),
            cooldown=None if cooldown is None else Cooldown.read(cooldown),
            stream=cast("Stream", reader.text("stream")),
            backups=reader.integer("backups"),
            extra=reader.rest(*cls.__dataclass_fields__),
        )


@dataclass(frozen=True, slots=True)
class Commitment:
    """One party and the hash that binds its secret, lower-case hex."""

    party: str
    commitment: str
    extra: Extra = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Json]:
        """The commitment's object."""
        return {**self.extra, "party": self.party, "commitment": self.commitment}

    @classmethod
    def read(cls, reader: Reader) -> Commitment:
        """Read one commitment."""
        return cls(reader.text("party"), reader.text("commitment"), reader.rest("party", "commitment"))


@dataclass(frozen=True, slots=True)
class EntropySource:
    """A public source fixed in advance: what its value looks like, and how much nobody could choose, in bits."""

    id: str
    encoding: str
    rule: str
    bits: int
    extra: Extra = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Json]:
        """The source's object."""
        return {**self.extra, "id": self.id, "encoding": self.encoding, "rule": self.rule, "bits": self.bits}

    @classmethod
    def read(cls, reader: Reader) -> EntropySource:
        """Read one source."""
        rest = reader.rest("id", "encoding", "rule", "bits")
        return cls(
            reader.text("id"), reader.text("encoding"), reader.text("rule"), reader.integer("bits"), rest
        )


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Latest times of the round, RFC 3339 with offset."""

    entropy: str
    sealed_result: str
    reveal: str
    extra: Extra = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Json]:
        """The deadlines' object."""
        own: dict[str, Json] = {
            "entropy": self.entropy,
            "sealed_result": self.sealed_result,
            "reveal": self.reveal,
        }
        return {**self.extra, **own}

    @classmethod
    def read(cls, reader: Reader) -> Deadlines:
        """Read the deadlines."""
        names = ("entropy", "sealed_result", "reveal")
        entropy, sealed_result, reveal = (reader.text(name) for name in names)
        return cls(entropy, sealed_result, reveal, reader.rest(*names))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A round's manifest. Cannot exist in breach of section 2: building one raises Refused `manifest.*`.

    `packing` is `{solver, version, parameters}`; `extra` holds further keys (title, demo …).
    """

    suite: str
    round_id: str
    plan: str
    period: str
    sequence: int
    privacy: Privacy
    draws: tuple[DrawSpec, ...]
    commitments: tuple[Commitment, ...]
    entropy: tuple[EntropySource, ...]
    entropy_seats: tuple[EntropySource, ...]
    roster_hash: str
    packing: Extra
    deadlines: Deadlines
    salt_commitment: str | None = None
    extra: Extra = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check every constraint."""
        check_manifest(self)

    @property
    def algorithms(self) -> Suite:
        """The suite by its name."""
        return suite(self.suite)

    def draw(self, draw_id: str) -> DrawSpec:
        """The draw of that id. Raises KeyError."""
        return {spec.draw_id: spec for spec in self.draws}[draw_id]

    def to_json(self) -> dict[str, Json]:
        """The manifest's object."""
        own: dict[str, Json] = {
            "suite": self.suite,
            "round_id": self.round_id,
            "plan": self.plan,
            "period": self.period,
            "sequence": self.sequence,
            "privacy": self.privacy,
            "draws": [spec.to_json() for spec in self.draws],
            "commitments": [entry.to_json() for entry in self.commitments],
            "entropy": [source.to_json() for source in self.entropy],
            "entropy_seats": [source.to_json() for source in self.entropy_seats],
            "roster_hash": self.roster_hash,
            "packing": self.packing,
            "deadlines": self.deadlines.to_json(),
        }
        salt: dict[str, Json] = (
            {} if self.salt_commitment is None else {"salt_commitment": self.salt_commitment}
        )
        return {**self.extra, **own, **salt}

    @classmethod
    def from_json(cls, value: Json) -> Manifest:
        """Read and check a manifest. Raises Refused `manifest.*`, naming the key."""
        reader = Reader.over(value, "manifest")
        return cls(
            suite=reader.text("suite"),
            round_id=reader.text("round_id"),
            plan=reader.text("plan"),
            period=reader.text("period"),
            sequence=reader.integer("sequence"),
            privacy=cast("Privacy", reader.text("privacy")),
            draws=tuple(DrawSpec.read(entry) for entry in reader.objects("draws")),
            commitments=tuple(Commitment.read(entry) for entry in reader.objects("commitments")),
            entropy=tuple(EntropySource.read(entry) for entry in reader.objects("entropy")),
            entropy_seats=tuple(EntropySource.read(entry) for entry in reader.objects("entropy_seats")),
            roster_hash=reader.text("roster_hash"),
            packing=reader.object("packing").value,
            deadlines=Deadlines.read(reader.object("deadlines")),
            salt_commitment=reader.text("salt_commitment") if "salt_commitment" in reader else None,
            extra=reader.rest(*cls.__dataclass_fields__),
        )

    def serialised(self) -> bytes:
        """The canonical JSON that `manifest_hash` is taken over."""
        return canonical_json(self.to_json(), booleans=False)

    def manifest_hash(self, algorithms: Suite | None = None) -> bytes:
        """H of the serialisation, with the manifest's own suite."""
        return (algorithms or self.algorithms).hash(self.serialised())

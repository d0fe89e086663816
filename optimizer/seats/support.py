"""Which probabilities are forced: zeros that no fair plan can avoid, and days that are full in every one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.seats.leximin import Leaf
from optimizer.seats.network import BoolArray, SeatNetwork
from optimizer.seats.scc import strong_components


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """`arc`: the arc can carry something with these loads, (A',); `full`: the day is full in every way, (D',)."""

    arc: BoolArray
    full: BoolArray


def support_of(network: SeatNetwork, leaf: Leaf) -> Support:
    """Read both off one flow: an empty arc can carry something exactly if it closes a residual cycle."""
    part, flow = leaf.part, leaf.flow
    owners, days = len(part.fixed), len(part.day)
    at_day, at_class = owners + part.arc_day, owners + days + part.arc_class
    day_node = owners + np.arange(days)
    limit = flow.scale * network.members[network.day_group[part.day]]
    more, less, used = flow.day < limit, flow.day > 0, flow.arc > 0
    label = strong_components(
        owners + days + len(part.classes),
        np.concatenate([part.day_owner[more], day_node[less], at_day, at_class[used]]),
        np.concatenate([day_node[more], part.day_owner[less], at_class, at_day[used]]),
    )
    apart = label[part.day_owner] != label[day_node]
    return Support(used | (label[at_day] == label[at_class]), ~more & apart)

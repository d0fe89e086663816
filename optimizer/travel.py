"""Minutes between two places, in integers only, so that every machine gets the same plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.model import Parameters, Site

Minutes = npt.NDArray[np.int64]


def matrix(sites: Sequence[Site], parameters: Parameters) -> Minutes:
    """Minutes from each place to each other, shape (n, n): ceil(metres x detour / speed) + parking, 0 in place.

    Metres are floor(sqrt(dx^2 + dy^2)); the float square root of an integer below 2^52 is exact once floored.
    """
    east = np.array([site.east_m for site in sites], dtype=np.int64)
    north = np.array([site.north_m for site in sites], dtype=np.int64)
    squared = (east[:, None] - east[None, :]) ** 2 + (north[:, None] - north[None, :]) ** 2
    metres = np.sqrt(squared.astype(np.float64)).astype(np.int64)
    pace = 1000 * parameters.speed_m_per_min
    drive = -((-metres * parameters.detour_permille) // pace) + parameters.parking_min
    return np.where(squared == 0, 0, drive)

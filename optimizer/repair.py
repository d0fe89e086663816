"""Jobs that found no place in their cell: tried with everybody's free heads, then in parts, then given up by name."""

from __future__ import annotations

from dataclasses import replace

from optimizer.board import Board
from optimizer.instance import Instance, job, most_officers
from optimizer.jobs import Job
from optimizer.search import Search, put
from optimizer.stream import Stream

ROUNDS = 3000


def repair(inst: Instance, own: Board, missing: list[int], seed: int) -> list[int]:
    """Place what can be placed, whole if possible, else in parts; the numbers of jobs given up come back.

    A part costs another entry, so parts come last, and never beyond the entries a target has left.
    """
    left = _place_all(own, missing)
    if left:
        search = Search(own, Stream(seed), left)
        search.run(ROUNDS, until_placed=True)
        left = _place_all(own, search.bank)
    lost: list[int] = []
    retired: set[int] = set()
    while left:
        index = left.pop(0)
        parts = _parts(inst, own, index)
        if not parts or not _entries_allow(inst, own, index, retired):
            lost.append(index)
            continue
        retired.add(index)
        left += _place_all(own, [own.add(part) for part in parts])
    return lost


def _place_all(own: Board, wanted: list[int]) -> list[int]:
    order = sorted(wanted, key=lambda i: (-len(own.jobs[i].tasks), i))
    return [index for index in order if put(own, index, own.jobs[index].days) is None]


def _entries_allow(inst: Instance, own: Board, index: int, retired: set[int]) -> bool:
    target = own.jobs[index].target
    most = inst.sites[target].entries_left
    live = sum(1 for number, job in enumerate(own.jobs) if job.target == target and number not in retired)
    return most is None or live < most


def _parts(inst: Instance, own: Board, index: int) -> list[Job]:
    """The job in two halves (departments in order), or nothing where one check is left."""
    whole = own.jobs[index]
    number_of = {check.check_id: number for number, check in enumerate(inst.checks)}
    numbers = [number_of[check] for task in whole.tasks for check in task.checks]
    if len(numbers) < 2:
        return []
    doors = [task for task in whole.tasks if not task.checks]
    half = (len(numbers) + 1) // 2
    most = most_officers(inst)
    made = []
    for own_numbers in (numbers[:half], numbers[half:]):
        part = job(inst, whole.target, sorted(own_numbers), most)
        tasks = part.tasks + tuple(replace(door, minutes=part.length) for door in doors)
        made.append(replace(part, place=whole.place, tasks=tasks, apart=whole.apart))
    return made

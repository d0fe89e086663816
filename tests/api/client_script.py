"""What a user of the generated client writes: run by a test, in the client's own environment, against a real server."""

from __future__ import annotations

import sys

from double_random_client import AuthenticatedClient
from double_random_client.api.health import ready
from double_random_client.api.registers import create_item, get_item, list_departments, list_items, move_item
from double_random_client.models import ItemIn, ItemMove, ItemMoveTo, ItemOut, PageItemOut, ProblemOut


def main(address: str, token: str) -> None:
    """Make three items of the first department, publish one, walk their pages, be refused once."""
    client = AuthenticatedClient(base_url=address, token=token)
    assert ready.sync(client=client) is not None
    departments = list_departments.sync(client=client)
    assert departments is not None
    assert not isinstance(departments, ProblemOut)
    department = departments.items[0].code
    for number in range(3):
        body = ItemIn(code=f"item-{number}", title_zh="检查", department=department)
        made = create_item.sync_detailed(client=client, body=body)
        assert made.status_code == 201, made.content
    seen = get_item.sync_detailed("item-0", 1, client=client)
    move = ItemMove(to=ItemMoveTo.REVIEWED)
    moved = move_item.sync("item-0", 1, client=client, body=move, if_match=seen.headers["etag"])
    assert isinstance(moved, ItemOut)
    assert moved.status == "reviewed"
    again = move_item.sync("item-0", 1, client=client, body=move, if_match=seen.headers["etag"])
    assert isinstance(again, ProblemOut)
    assert again.code == "precondition.failed"
    codes: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = list_items.sync(client=client, cursor=cursor, limit=1)
        assert isinstance(page, PageItemOut)
        codes += [item.code for item in page.items]
        cursor = page.next_ if isinstance(page.next_, str) else None
    sys.stdout.write(" ".join(codes))


if __name__ == "__main__":
    main(*sys.argv[1:])

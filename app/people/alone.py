"""Commands that do what a person has to answer for, under a name that is typed in: only while there are no accounts.

Whoever runs commands on the machine is one person whatever names they type. Once there are accounts, who asks, approves
and carries out is told apart by who has signed in, so those steps are taken on the pages or over the API alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import wraps
from typing import ParamSpec, TypeVar

from app.db.database import Database
from app.errors import Forbidden, Problem
from app.people import repository
from app.settings import settings

P = ParamSpec("P")
R = TypeVar("R")
MARK = "__alone__"


def require_no_accounts(db: Database) -> None:
    """Raise Forbidden `command.accounts` once there is an account."""
    with db.read() as session:
        if repository.anybody(session):
            raise Forbidden(
                Problem(
                    "command.accounts",
                    "已有账户：须由责任人登录后办理的事项，不能在命令行以录入姓名的方式办理。",
                    "There are accounts: what a person answers for isn't done under a name typed on the command line.",
                    "请由本人登录页面办理，或凭本人令牌调用接口；忘记密码可用 people password 重置。",
                    "Sign in and do it on the pages, or over the API with a token; `people password` lets somebody in.",
                )
            )


def before_accounts(command: Callable[P, R]) -> Callable[P, R]:
    """A command that is refused once there are accounts."""

    @wraps(command)
    def alone(*given: P.args, **named: P.kwargs) -> R:
        with closing(Database(settings().url())) as db:
            require_no_accounts(db)
        return command(*given, **named)

    setattr(alone, MARK, True)
    return alone

"""`python -m app people …`: make the first administrators, and administer accounts from the machine itself.

Whoever can run this can read the database too, so it asks for no password; each change is logged as the operator's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from app import console
from app.db.database import Database
from app.errors import NotFound, Problem
from app.http.access import OPERATOR
from app.http.pagination import Paging
from app.needs import scopes as known_scopes
from app.people import contacts, oidc, repository, service, sessions
from app.people.schemas import AccountIn, Kind, RecordOut
from app.people.tables import Account
from app.settings import settings

commands = typer.Typer(
    help="账户、角色、令牌、访问记录 · accounts, roles, tokens, access record", no_args_is_help=True
)
Login = Annotated[str, typer.Argument(help="登录名 · login")]
AsJson = Annotated[bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")]


def _database() -> Database:
    return Database(settings().url())


def _found(db: Database, login: str) -> Account:
    with db.read() as session:
        account = repository.by_login(session, login)
    if account is None:
        raise NotFound(
            Problem(
                "people.absent", f"没有账户 {login}。", f"There is no account {login}.",
                "用 people list 查看。", "See `people list`.", {"login": login},
            )
        )  # fmt: skip
    return account


def _now() -> datetime:
    return datetime.now(UTC)


@commands.command("init")
def init(as_json: AsJson = False) -> None:
    """建立系统、安全、审计三个管理员账户 · make the three administrators; from then on the service asks for sign-in."""
    made = service.init(_database(), _now())
    if as_json:
        console.emit({"accounts": [{"login": login, "password": password} for login, password in made]})
        return
    console.table(
        "初始密码（仅显示一次，首次登录须修改）initial passwords", ("登录名 login", "密码 password"), made
    )


@commands.command("add")
def add(
    login: Login,
    kind: Annotated[
        str, typer.Option(help="business|auditor|system_admin|security_admin|audit_admin")
    ] = "business",
    role: Annotated[list[str] | None, typer.Option(help="角色 · role, may be repeated")] = None,
    name: Annotated[str, typer.Option(help="姓名 · name")] = "",
    department: Annotated[str, typer.Option(help="部门代码，空为全部 · department, empty: all")] = "",
    district: Annotated[list[str] | None, typer.Option(help="区县代码 · district, may be repeated")] = None,
    as_json: AsJson = False,
) -> None:
    """新建账户并授予角色 · make an account with its roles."""
    db, districts = _database(), district or []
    level = "district" if districts else "city"
    wanted = AccountIn(
        login=login,
        name=name,
        kind=cast("Kind", kind),
        department=department,
        level=level,
        districts=districts,
    )
    made, password = service.create(db, wanted, OPERATOR, _now())
    given = role or ([] if kind == "business" else [kind])
    service.give_roles(db, made.id or 0, given, OPERATOR, _now())
    if as_json:
        console.emit({"id": made.id, "login": made.login, "roles": given, "password": password})
        return
    console.say(f"{made.login} #{made.id}  初始密码 initial password: {password}")


@commands.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """列出账户 · list accounts."""
    with _database().read() as session:
        rows = [(row, repository.roles(session, row.id or 0)) for row in repository.accounts(session)]
    if as_json:
        shown = [
            row.model_dump(include={"id", "login", "kind", "department", "districts", "locked"})
            for row, _ in rows
        ]
        roles = [held for _, held in rows]
        console.emit({"accounts": [one | {"roles": held} for one, held in zip(shown, roles, strict=True)]})
        return
    cells = [
        (
            row.id or 0,
            row.login,
            row.kind,
            " ".join(held),
            row.department,
            " ".join(row.districts),
            row.locked,
        )
        for row, held in rows
    ]
    columns = (
        "编号 id",
        "登录名 login",
        "类别 kind",
        "角色 roles",
        "部门 department",
        "区县 districts",
        "停用 locked",
    )
    console.table("账户 accounts", columns, cells)


@commands.command("role")
def role(
    login: Login, roles: Annotated[list[str], typer.Argument(help="角色 · exactly these roles")]
) -> None:
    """设定角色 · set an account's roles."""
    db = _database()
    service.give_roles(db, _found(db, login).id or 0, roles, OPERATOR, _now())
    console.say(f"{login}: {' '.join(roles)}")


@commands.command("lock")
def lock(
    login: Login, off: Annotated[bool, typer.Option("--off", help="恢复 · let it in again")] = False
) -> None:
    """停用或恢复账户 · lock an account, or let it in again."""
    db = _database()
    service.lock(db, _found(db, login).id or 0, not off, OPERATOR, _now())
    console.say(f"{login}: {'已恢复 unlocked' if off else '已停用 locked'}")


@commands.command("password")
def password(login: Login) -> None:
    """重设初始密码，仅显示一次 · a new initial password, shown once."""
    db = _database()
    console.say(f"{login}: {service.reset_password(db, _found(db, login).id or 0, OPERATOR, _now())}")


@commands.command("link")
def link(
    login: Login,
    subject: Annotated[str, typer.Argument(help="该账户在 OIDC_ISSUER 的 sub · its `sub` there")],
) -> None:
    """关联统一身份，此后不再用密码登录 · link an account to its identity at the OpenID provider."""
    provider = oidc.provider_of(oidc.providers(settings()), "staff")
    db = _database()
    service.link(db, _found(db, login).id or 0, provider.subject(subject), OPERATOR, _now())
    console.say(f"{login}: {provider.issuer}")


@commands.command("inspector")
def inspector(
    login: Login,
    code: Annotated[str, typer.Argument(help="执法人员编号，空为不是 · roster code, empty: none")],
) -> None:
    """对应执法人员 · say which inspector of the roster an account's person is."""
    db = _database()
    service.name_inspector(db, _found(db, login).id or 0, code.strip(), OPERATOR, _now())
    console.say(f"{login}: {code}")


@commands.command("token")
def token(
    login: Login,
    name: Annotated[str, typer.Option(help="用途 · what for")],
    scope: Annotated[
        list[str], typer.Option(help="如 rounds:read · for example rounds:read, may be repeated")
    ],
    days: Annotated[int, typer.Option(min=1, max=366, help="有效天数 · days it is valid")] = 90,
    as_json: AsJson = False,
) -> None:
    """为账户生成令牌，仅显示一次 · make a token for an account; shown once."""
    unknown = sorted(set(scope) - set(known_scopes()))
    if unknown:
        raise typer.BadParameter(f"{' '.join(unknown)}: {', '.join(known_scopes())}", param_hint="--scope")
    db = _database()
    with db.read() as session:
        account = _found(db, login)
        owner = sessions.actor(session, account)
    made, text = service.make_token(db, owner, name, scope, days, _now())
    if as_json:
        console.emit({"id": made.id, "token": text, "expires_at": made.expires_at.isoformat()})
        return
    console.say(text)


@commands.command("record")
def record(
    account: Annotated[str, typer.Option(help="登录名 · login")] = "",
    route: Annotated[str, typer.Option(help="操作名，如 get_target · route")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: AsJson = False,
) -> None:
    """访问记录：谁看过、做过什么 · who saw and did what, the newest first."""
    db = _database()
    number = _found(db, account).id if account else None
    with db.read() as session:
        rows = repository.page_of_records(session, Paging("", limit), repository.Asked(number, route))[:limit]
    if as_json:
        console.emit({"records": [RecordOut.model_validate(row).model_dump(mode="json") for row in rows]})
        return
    cells = [
        (row.id or 0, str(row.at)[:19], row.account or row.firm, row.route, row.subject, row.status)
        for row in rows
    ]
    columns = ("序号 id", "时间 at", "账户 account", "操作 route", "对象 subject", "结果 status")
    console.table("访问记录 access record", columns, cells)


def _identified(contact: contacts.Contact) -> contacts.Contact:
    """With the issuer before its subject there."""
    if not contact.subject:
        return contact
    provider = oidc.provider_of(oidc.providers(settings()), "firm")
    return replace(contact, subject=provider.subject(contact.subject))


@commands.command("contact")
def contact(
    firm: Annotated[str, typer.Argument(help="对象编号或统一社会信用代码 · target id or code")],
    channel: Annotated[str, typer.Option(help="sms|email")] = "",
    address: Annotated[str, typer.Option(help="手机号或邮箱 · number or address")] = "",
    subject: Annotated[str, typer.Option(help="在 FIRM_OIDC_ISSUER 的 sub · its `sub` there")] = "",
    forget: Annotated[bool, typer.Option("--forget", help="删除 · forget it")] = False,
) -> None:
    """登记或查看企业联系方式，验证码发往此处 · where a firm's sign-in codes go; shown masked."""
    db = _database()
    if forget:
        contacts.remove(db, firm, "operator", _now())
    elif channel or address:
        wanted = contacts.Contact(firm, channel, address, subject)
        contacts.register(db, [_identified(wanted)], "operator", _now())
    with db.read() as session:
        found = contacts.contact_of(session, firm)
    console.say(f"{firm}: {f'{found.channel} {contacts.masked(found)}' if found else '无 none'}")


@commands.command("contacts")
def import_contacts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV")], as_json: AsJson = False
) -> None:
    """由 CSV 登记企业联系方式：对象编号、渠道、联系方式 · firms' contacts from a list, all or none."""
    found = [_identified(contact) for contact in contacts.read(file)]
    kept = contacts.register(_database(), found, "operator", _now())
    if as_json:
        console.emit({"contacts": kept})
        return
    console.say(f"{kept} 户 firms")

"""What kinds of accounts, roles and routes' rooms are called on pages."""

from __future__ import annotations

from typing import Final

from app.web.language import marked

KINDS: Final = {
    "business": marked("业务人员"),
    "auditor": marked("审计人员"),
    "system_admin": marked("系统管理员"),
    "security_admin": marked("安全管理员"),
    "audit_admin": marked("审计管理员"),
}
ROLES: Final = {
    "coordinator": marked("统筹人员"),
    "planner": marked("计划人员"),
    "inspector": marked("执法人员"),
    "legal_reviewer": marked("法制审核人员"),
    **{kind: KINDS[kind] for kind in ("auditor", "system_admin", "security_admin", "audit_admin")},
}

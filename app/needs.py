"""What each route asks for, by the route's name: the one table from which access, its description and its tests follow.

A route that is not named here is refused to everybody once accounts exist. Pages have the same need in both languages.
Tokens need the scope; sessions the role alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from app.http.access import FIRM, PUBLIC, SIGNED_IN, Need

_PUBLIC: Final = (
    "openapi", "home", "round_page", "list_page", "inspectors_page", "static_file", "api_page",
    "live", "ready",
    "list_rounds", "get_round", "bundle", "results",
    "checkpoint", "announced_keys", "entries", "proof", "consistency", "cosign",
    "handbooks_page", "handbook_page", "data_page", "data_file", "log_page", "log_entry_page", "live_page", "why_page",
    "plans_page", "plans_file", "annual_plan_page", "plan_version_page", "plan_file",
    "results_page", "result_page", "estimates_page", "list_estimates", "replay_page", "replay_file",
    "sign_in_page", "sign_in_form", "firm_sign_in_page", "firm_code_form", "firm_sign_in_form",
    "oidc_start", "oidc_back", "firm_oidc_start", "firm_oidc_back",
    "visit_code", "list_results", "get_timeliness", "get_result",
)  # fmt: skip

READERS: Final = ("coordinator", "planner", "inspector", "legal_reviewer", "auditor")
PLANNERS: Final = ("coordinator", "planner")
DECIDERS: Final = ("coordinator", "legal_reviewer")


def _need(scope: str, *roles: str) -> Need:
    return Need(frozenset(roles), scope)


def _needs(scope: str, roles: tuple[str, ...], *routes: str) -> dict[str, Need]:
    return dict.fromkeys(routes, _need(scope, *roles))


NEEDS: Final[Mapping[str, Need]] = {
    **dict.fromkeys(_PUBLIC, PUBLIC),
    **dict.fromkeys(
        ("account_page", "change_password_form", "list_tokens", "create_token", "revoke_token",
         "tokens_page", "create_token_form", "revoke_token_form"),
        SIGNED_IN,
    ),
    "sign_out": Need(own=True, firms=True),
    "get_me": Need(scope="people:read", firms=True),
    **dict.fromkeys(
        ("firm_page", "firm_round_page", "firm_opening_file", "firm_notice", "firm_objection", "firm_rating"),
        Need(frozenset({FIRM}), firms=True),
    ),
    **_needs("registers:read", READERS, "get_counts", "list_targets", "get_target", "list_departments",
             "list_inspectors", "list_items", "get_item", "list_joint_proposals"),
    **_needs("registers:read", PLANNERS, "list_imports", "get_refusals"),
    **_needs("registers:write", ("coordinator",), "import_list"),
    **_needs("registers:write", PLANNERS, "create_item", "move_item"),
    **_needs("plans:read", READERS, "list_plans", "get_plan", "plan_problems", "get_calendar",
             "calendar_page"),
    **_needs("plans:write", PLANNERS, "create_plan", "revise_plan"),
    **_needs("plans:write", ("coordinator",), "publish_plan", "withdraw_plan", "put_calendar",
             "preview_calendar", "put_calendar_form"),
    **_needs("rounds:write", PLANNERS, "create_round", "deposit_secret", "file_absences", "retry_round",
             "void_round"),
    **_needs("rounds:write", (*PLANNERS, "inspector", "legal_reviewer"), "supply_entropy"),
    **_needs("rounds:write", DECIDERS, "approve_round"),
    **_needs("rounds:read", READERS, "list_operations", "get_operation", "operation_events"),
    **_needs("rounds:write", (*PLANNERS, "inspector"), "create_sanction", "withdraw_sanction"),
    **_needs("rounds:write", DECIDERS, "approve_sanction"),
    **_needs("rounds:read", READERS, "list_sanctions", "get_sanction"),
    **_needs("work:read", (*PLANNERS, "inspector", "auditor"),
             "work_page", "schedule_file", "team_day_file", "calendars_file"),
    **_needs("visits:read", READERS, "list_visits", "get_visit", "today_page", "visit_page", "evidence_file",
             "form_page", "form_pdf", "review_queue", "arrive_by_scan"),
    **_needs("rounds:read", (*PLANNERS, "auditor"), "class_page"),
    **_needs("rounds:read", PLANNERS, "get_packing", "list_explanations", "plan_page",
             "team_calendar_page"),
    **_needs("rounds:write", PLANNERS, "stop_packing", "move_visit", "replan_round", "stop", "change"),
    **_needs("visits:write", PLANNERS, "open_visits", "approve_visit", "notify_visit", "notify", "replace_target",
             "disclose_check", "correct_check", "withdraw_check", "file_objection"),
    **_needs("visits:write", ("inspector",), "arrive", "answer", "record", "arrive_at_visit",
             "answer_questions", "add_evidence", "record_check"),
    **_needs("visits:write", (*PLANNERS, "inspector", "legal_reviewer"), "review_check", "return_check", "decide",
             "answer_objection"),
    **_needs("visits:write", ("legal_reviewer",), "review_legally"),
    **_needs("visits:read", READERS, "platforms_page", "desk_page", "decision_page"),
    **_needs("rounds:read", (*PLANNERS, "inspector", "legal_reviewer"), "steps_page"),
    **_needs("rounds:write", PLANNERS, "absences_page", "absence_form", "start_round", "retry_form", "void_form"),
    **_needs("rounds:write", DECIDERS, "approve_round_form", "approve_form"),
    **_needs("rounds:write", (*PLANNERS, "inspector", "legal_reviewer"), "entropy_form"),
    **_needs("rounds:write", (*PLANNERS, "inspector"), "ask_form"),
    **_needs("plans:read", PLANNERS, "ratios_page", "trial_page"),
    **_needs("plans:write", PLANNERS, "keep_ratios", "begin_trial", "stop_trial"),
    **_needs("registers:read", PLANNERS, "registers_page"),
    **_needs("registers:write", ("coordinator",), "preview_list", "confirm_import"),
    **_needs("visits:write", PLANNERS, "correction_form", "withdrawal_form"),
    **_needs("visits:write", (*PLANNERS, "inspector", "legal_reviewer"), "answer_form"),
    **_needs("visits:write", ("coordinator",), "redeliver_platform"),
    **_needs("webhooks:read", ("system_admin",), "list_webhooks", "get_webhook", "list_deliveries"),
    **_needs("webhooks:write", ("system_admin",), "create_webhook", "stop_webhook", "redeliver"),
    **_needs("metrics:read", ("system_admin", "auditor"), "metrics"),
    **_needs("people:read", ("system_admin", "security_admin", "audit_admin"),
             "list_accounts", "get_account", "accounts_page", "account_admin_page"),
    **_needs("people:write", ("system_admin",), "create_account", "reset_password", "put_identity",
             "put_inspector", "create_account_form", "reset_password_form", "identity_form", "inspector_form"),
    **_needs("people:write", ("security_admin",), "put_roles", "put_lock", "roles_form", "lock_form",
             "end_sessions_form"),
    **_needs("record:read", ("auditor", "audit_admin"), "list_access_record", "record_page",
             "audit_page"),
    **_needs("record:read", ("auditor",), "package_file"),
    **_needs("record:write", ("auditor", "audit_admin"), "begin_audit", "stop_audit"),
}  # fmt: skip


def scopes() -> list[str]:
    """Every scope that a token can have."""
    return sorted({need.scope for need in NEEDS.values() if need.scope})


def scopes_of(roles: Collection[str]) -> list[str]:
    """The scopes that open anything to one of these roles."""
    found = {need.scope for need in NEEDS.values() if not need.roles or need.roles.intersection(roles)}
    return sorted(scope for scope in found if scope)

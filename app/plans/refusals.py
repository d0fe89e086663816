"""What the use cases of plans refuse, each with its rule and remedy."""

from __future__ import annotations

from app.errors import Problem, Refused, refuse


def broken(found: tuple[Problem, ...]) -> Refused:
    """The first broken rule, and how many there are."""
    first = found[0]
    params = {**first.params, "broken": len(found)}
    return Refused(Problem(first.code, first.zh, first.en, first.remedy_zh, first.remedy_en, params))


def no_reason(code: str) -> Refused:
    """Replacing what is in force is explained to the public."""
    return refuse(
        "plan.no_reason",
        f"计划 {code} 已有公布的版本，再次公布须写明变更理由，理由将公开。",
        f"Plan {code} has a published version; replacing it needs a reason, which is published.",
        "请填写 reason。",
        "Give `reason`.",
        plan=code,
    )


def absent(code: str) -> Problem:
    """No such plan."""
    return Problem(
        "plan.absent",
        f"没有编号为 {code} 的计划。",
        f"There is no plan {code}.",
        "用 plan list 查看已有计划。",
        "See what there is with plan list.",
        {"plan": code},
    )


def exists(code: str) -> Problem:
    """The code is taken."""
    return Problem(
        "plan.exists",
        f"计划 {code} 已存在。",
        f"Plan {code} exists already.",
        "请修订该计划（PUT，或 plan create --revise），或换一个编号。",
        "Revise it (PUT, or plan create --revise), or choose another code.",
        {"plan": code},
    )


def not_in_force(code: str) -> Problem:
    """Nothing is drawn from a draft."""
    return Problem(
        "plan.not_in_force",
        f"计划 {code} 未发布或已撤回，不能据此抽查。",
        f"Plan {code} is not published, or withdrawn; nothing can be drawn from it.",
        "请先发布该计划（plan publish）。",
        "Publish it first (plan publish).",
        {"plan": code},
    )


def withdrawn_item(task: str, item: str) -> Refused:
    """An item stopped being published after the plan was."""
    return refuse(
        "plan.unpublished_item",
        f"任务 {task} 的事项 {item} 已不再公布，不得检查。",
        f"Item {item} of task {task} is no longer published and must not be checked.",
        "请发布该事项，或修订计划后重新发布。",
        "Publish the item, or revise the plan and publish it again.",
        task=task,
        field="items",
        value=item,
        rule="an unpublished item must not be checked",
    )

"""Business scopes (经营范围) as text: what a scope says its holder does, with everything it rules out removed.

A scope is a list of phrases under headings (`销售：建材，化工产品（危险化学品除外）；住宿，餐饮管理。`). A keyword
proves nothing where the scope excludes it, so negations are cut before anything is looked for: 除外, 以外, 除…外,
不含, 不包括, 不得, 禁止, 非危险化学品, and what only a branch elsewhere may do (限分支机构经营).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_GROUP = re.compile(r"[(\[【{]([^()\[\]【】{}]*)[)\]】}]")
_STOP = r",;。:"
_HIDDEN = (
    r"(?:不含|不包[含括]|不合|不得|不从事|不涉及|不经营|严禁|禁止|未经.{0,12}批准|除外|以外(?!经贸|贸|汇|币))"
)
_HAS_NEGATION = re.compile(_HIDDEN + r"|除|非|限.{0,8}分")
_BRANCH_ONLY = re.compile(r"限.{0,8}(?:分公司|分支机构|分店)")
_UP_TO_EXCEPTION = re.compile(r"^.*(?:除外|以外|不得经营)")
_FROM_NEGATION = re.compile(rf"(?:{_HIDDEN}|^除(?!尘|锈|草|雪|四害|虫)).*$")
_EVERYTHING_ABOVE = re.compile(r"以上")
_EVERYTHING_BELOW = re.compile(rf"(?:以下|下列)[^{_STOP}]*限[^{_STOP}]*分(?:公司|支机构)[^。]*")
_BRANCH_HEADING = re.compile(rf"(?:仅?限[^{_STOP}]*)?分支机构经营:[^;。]*")
_EXCEPTED = re.compile(rf"[^{_STOP}()]*(?:除外|以外(?!经贸|贸|汇|币))")
_EXCEPT = re.compile(
    rf"除(?!尘|锈|草|雪|甲醛|四害|虫|湿|臭|味|冰|污|垢|油)[^{_STOP}、()]{{1,30}}(?:、[^{_STOP}()]{{1,30}})?外"
)
_WITHOUT = re.compile(rf"(?:不含|不包[含括]|不得|不从事|不涉及|不经营|严禁|禁止)[^{_STOP}()]*")
_NOT_OF_KIND = re.compile(
    r"非(?:危险化学品|危险品|危化品|危险货物|易燃易爆|剧毒|食用|食品|医疗|医用|医学|药品|药用|诊疗|融资|金融)[^,;。:、()]*"
)
_SENTENCE = re.compile(
    r"[;。\n]|,(?=[^,;。:()]{1,14}:)|(?<=[^,;。:])\s+(?=(?:销售|批发|零售|服务|生产|加工)[^,;。:()]{0,6}:)"
)
_PHRASE = re.compile(r"[,、()\[\]【】{}/\s#*★]+")
_TAIL = re.compile(r"的([^的]{2,12})$")
_FORMULA = re.compile(r"(?:具体|经营范围|以)[^,;。:、()]{0,60}(?:为准|许可证)")
_VERB = re.compile(
    r"(?:(?:生产|加工|制造|制作|销售|安装|维修|维护|保养|改造|修理|设计|发布|代理|施工|检测|开发|租赁|调试)[及和与]?)+"
)
_CUT = "\u241f"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a scope and `around` it what governs it: heading, verbs that follow it, tail of its list."""

    text: str
    around: str


def _group(match: re.Match[str]) -> str:
    """A bracketed remark, without what it excludes; one that only tells who may do it removes the phrase before."""
    inner = match.group(1)
    if _BRANCH_ONLY.search(inner):
        return f"{_CUT}{_CUT}" if _EVERYTHING_ABOVE.search(inner) else _CUT
    inner = _UP_TO_EXCEPTION.sub("", inner)
    inner = _FROM_NEGATION.sub("", _EXCEPT.sub("", inner))
    return f" {_NOT_OF_KIND.sub('', inner)} "


def _open_groups(text: str) -> str:
    """Dissolve brackets from the inside out; an unclosed one ends at the next full stop or semicolon."""
    if "(" in text or "【" in text or "[" in text:
        before = ""
        while before != text:
            before, text = text, _GROUP.sub(_group, text)
    return text


def affirmed(scope: str) -> str:
    """The scope in normal form (NFKC) without anything that it negates or reserves to branches."""
    text = _FORMULA.sub("", unicodedata.normalize("NFKC", scope).replace("﹑", "、"))
    if not _HAS_NEGATION.search(text):
        return text
    text = _EVERYTHING_BELOW.sub("", text)
    text = _open_groups(text)
    text = re.sub(rf"[^。;]*{_CUT}{_CUT}", "", text)
    text = re.sub(rf"[^{_STOP}]*{_CUT}", "", text)
    text = _BRANCH_HEADING.sub("", text)
    return _NOT_OF_KIND.sub("", _WITHOUT.sub("", _EXCEPTED.sub("", _EXCEPT.sub("", text))))


def sentences(text: str) -> list[str]:
    """The parts of an affirmed scope that share a heading."""
    return [part for part in _SENTENCE.split(text) if part and not part.isspace()]


def parse(sentence: str) -> list[Phrase]:
    """The phrases of one sentence. The heading's own phrases count too, for it may name the trade."""
    heading, colon, rest = sentence.rpartition(":")
    body = [p for p in _PHRASE.split(rest if colon else sentence) if p]
    tail = _TAIL.search(body[-1]) if body else None
    governed = f"{heading} {tail.group(1) if tail else ''}"
    heads = [Phrase(p, p) for p in _PHRASE.split(heading) if p]
    return heads + [Phrase(p, f"{governed} {p} {_verbs_after(body, n)}") for n, p in enumerate(body)]


def _verbs_after(body: list[str], place: int) -> str:
    """Bare verbs that continue a phrase: `锅炉的销售、安装、维修` says all three of the boiler."""
    verbs = []
    for phrase in body[place + 1 :]:
        if not _VERB.fullmatch(phrase):
            break
        verbs.append(phrase)
    return " ".join(verbs)

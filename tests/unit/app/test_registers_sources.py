"""Files as they arrive: encodings, broken CSV, hostile gzip and workbooks. Row numbers are a spreadsheet's."""

from __future__ import annotations

import gzip
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from app.errors import Refused
from app.registers import sources
from app.registers.sources import Broken, Row

TEXT = "企业名称,统一社会信用代码\n甲厂,1\n\n乙厂,2\n"


def read(path: Path) -> list[tuple[int, Row]]:
    return list(sources.rows(sources.survey(path)))


def refused(path: Path) -> str:
    with pytest.raises(Refused) as found:
        read(path)
    assert found.value.problem.remedy_zh
    return found.value.problem.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_plain_and_packed(tmp_path: Path, encoding: str, packed: bool) -> None:
    path = tmp_path / "list"
    data = TEXT.encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read(path) == [(1, ["企业名称", "统一社会信用代码"]), (2, ["甲厂", "1"]), (4, ["乙厂", "2"])]


def test_gb18030_under_an_english_header(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("name,code\r\n甲厂,1\r\n".encode("gb18030"))
    assert read(path)[1] == (2, ["甲厂", "1"])


def test_one_bad_byte_in_utf8_spoils_one_row_only(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(TEXT.encode().replace("甲".encode(), b"\xff\xfe\xfd"))
    rows = read(path)
    assert isinstance(rows[1][1], list)
    assert "\ufffd" in rows[1][1][0]
    assert rows[2] == (4, ["乙厂", "2"])


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(TEXT.replace(",", delimiter), "utf-8")
    assert read(path)[1] == (2, ["甲厂", "1"])


def test_quoted_line_breaks_stay_in_their_record(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('名称,范围\n甲,"一\n二, 三 ""四"""\n乙,五\n', "utf-8")
    assert read(path)[1:] == [(2, ["甲", '一\n二, 三 "四"']), (3, ["乙", "五"])]


def test_a_stray_quote_spoils_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    lines = ["名称,范围", '坏,"没有闭合', *[f"甲{i},一" for i in range(200)]]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    rows = read(path)
    assert isinstance(rows[1][1], Broken)
    assert rows[1][1].code == "csv.open_quote"
    assert len(rows) == 202
    assert rows[-1] == (202, ["甲199", "一"])


def test_a_nul_spoils_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("名称,范围\n甲,\0\n乙,五\n".encode())
    rows = read(path)
    assert isinstance(rows[1][1], Broken)
    assert rows[1][1].code == "text.nul"
    assert rows[2] == (3, ["乙", "五"])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xd0\xcf\x11\xe0 old", "register.old_excel"),
        ("名称".encode("utf-16"), "register.utf16"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-12], "register.damaged_gzip"),
        (b"\x1f\x8b\x08\x00 no gzip at all", "register.damaged_gzip"),
        (b"a,b\n" + b"x" * (sources.MAX_LINE + 5), "register.line_too_long"),
        (b"a,b\n1,2\n" * 200_000 + b"x" * (sources.MAX_LINE + 5) + b"\n1,2\n", "register.line_too_long"),
        (b"PK\x03\x04 no zip at all", "workbook.unreadable"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(data)
    assert refused(path) == code


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_RATIO_FLOOR", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\n" * (8 << 20)))
    assert refused(path) == "register.unpacked_too_large"


def workbook(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["企业名称", "统一社会信用代码", "注册日期", "人数上限"])
    sheet.append(["甲厂", "91650102228742107R", date(2013, 5, 7), 20])
    book.save(path)


def test_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(path)
    assert read(path)[1] == (2, ["甲厂", "91650102228742107R", "2013-05-07", "20"])


def edited(path: Path, old: bytes, new: bytes) -> Path:
    """The workbook with a replacement in its sheet, as an attacker would write it."""
    out = path.with_name("edited.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(old, new) if name.startswith("xl/worksheets/") else data)
    return out


def test_a_small_workbook_with_a_cell_in_the_last_corner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(path)
    hostile = edited(path, b'r="D2"', b'r="XFD1048576"')
    assert hostile.stat().st_size < 6_000
    assert refused(hostile) == "workbook.dimensions"


def test_a_row_far_below_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(path)
    hostile = edited(
        path, b"</sheetData>", b'<row r="1048576"><c r="ZZ1048576"><v>1</v></c></row></sheetData>'
    )
    assert refused(hostile) == "workbook.dimensions"


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/blank.bin", b"\0" * (32 << 20))
    assert refused(path) == "workbook.ratio"


def test_a_workbook_of_thousands_of_members_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    workbook(path)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(2_100):
            archive.writestr(f"xl/media/{number}", b"x")
    assert refused(path) == "workbook.members"


def test_an_entity_of_a_workbook_reads_no_file(tmp_path: Path) -> None:
    """XXE: refused, or read as nothing; never with what the file that it points at says."""
    secret = tmp_path / "secret"
    secret.write_text("CANARY", "utf-8")
    path = tmp_path / "list.xlsx"
    workbook(path)
    declared = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><worksheet'.encode()
    outside = edited(path, b"<worksheet", declared)
    hostile = edited(outside.rename(tmp_path / "declared.xlsx"), b"</sheetData>", ENTITY_ROW)
    with suppress(Refused):
        assert "CANARY" not in str(read(hostile))


ENTITY_ROW = b'<row r="3"><c r="A3" t="inlineStr"><is><t>&e;</t></is></c></row></sheetData>'


def test_a_link_in_a_workbook_is_not_followed(tmp_path: Path) -> None:
    """A member that says it is a symbolic link (Unix mode in the archive) is data like any other."""
    secret = tmp_path / "secret.xml"
    path, hostile = tmp_path / "list.xlsx", tmp_path / "hostile.xlsx"
    workbook(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(hostile, "w") as target:
        for name in source.namelist():
            if name == "xl/worksheets/sheet1.xml":
                secret.write_bytes(source.read(name).replace(b"</sheetData>", CANARY_ROW))
                link = zipfile.ZipInfo(name)
                link.create_system, link.external_attr = 3, 0o120777 << 16
                target.writestr(link, str(secret))
            else:
                target.writestr(name, source.read(name))
    with suppress(Refused):
        assert "CANARY" not in str(read(hostile))


CANARY_ROW = b'<row r="3"><c r="A3" t="inlineStr"><is><t>CANARY</t></is></c></row></sheetData>'


def test_the_canaries_of_these_would_be_seen(tmp_path: Path) -> None:
    """Control: such a row is read where it stands in the sheet itself."""
    path = tmp_path / "list.xlsx"
    workbook(path)
    assert "CANARY" in str(read(edited(path, b"</sheetData>", CANARY_ROW)))


def test_the_readers_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the reader with almost no memory must end in a refusal, not in a crash of ours."""
    script = tmp_path / "workbook.py"
    text = sources.WORKBOOK_READER.read_text("utf-8")
    assert "MEMORY_BYTES = 1 << 30" in text
    script.write_text(text.replace("MEMORY_BYTES = 1 << 30", "MEMORY_BYTES = 1 << 20"), "utf-8")
    monkeypatch.setattr(sources, "WORKBOOK_READER", script)
    path = tmp_path / "list.xlsx"
    workbook(path)
    assert refused(path) in ("workbook.memory", "workbook.killed", "workbook.unreadable")

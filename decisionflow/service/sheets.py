"""Tables that people keep: csv or xlsx, every cell as text, columns found by the headings that people write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from decisionflow.core.fields import clean
from decisionflow.errors import BadInput, Problem

Table = list[list[str]]
Headings = Mapping[str, tuple[str, ...]]  # column -> headings by which files name it


def read(name: str, data: bytes, most: int, *, lines: bool = False) -> Table:
    """Every cell of a file, at most so many rows; with `lines` a cell may have several. Raises BadInput."""
    if name.lower().endswith(".xlsx"):
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            found = [
                [_text(cell, lines) for cell in row]
                for row in book.worksheets[0].iter_rows(values_only=True, max_row=most)
            ]
        except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError, IndexError) as fault:
            raise BadInput([Problem("FILE", "不是可以读取的 xlsx 表格", name, rule="encoding")]) from fault
        return found
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError as fault:
            raise BadInput([Problem("FILE", "既不是 UTF-8 也不是 GB18030 文本", name, rule="encoding")]) from fault
    try:
        return [[_text(cell, lines) for cell in row] for row in csv.reader(io.StringIO(text), strict=True)][:most]
    except csv.Error as fault:
        raise BadInput([Problem("FILE", f"不是可以读取的 CSV 表格：{fault}", name, rule="encoding")]) from fault


FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def plain(cell: str) -> str:
    """A cell that begins like a formula is made text."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def workbook(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """An xlsx table of one sheet, every cell text, none that a spreadsheet would compute."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in chain([columns], rows):
        sheet.append([plain(cell) for cell in row])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _text(cell: object, lines: bool) -> str:
    text = "" if cell is None else str(cell)
    try:
        return clean(text, lines=lines).strip()
    except ValueError:
        return "".join(char for char in text if char.isprintable()).strip()


def headed(
    name: str, table: Table, headings: Headings, needed: str
) -> tuple[dict[str, int], list[tuple[int, Sequence[str]]]]:
    """Where each column stands, and the rows below with their numbers: the first of ten rows that names `needed`.

    Raises BadInput.
    """
    for at, row in enumerate(table[:10]):
        heads = {
            column: n for column, words in headings.items()
            for n, cell in enumerate(row) if cell.replace(" ", "").lower() in words
        }  # fmt: skip
        if needed in heads:
            return heads, [(at + 2 + n, cells) for n, cells in enumerate(table[at + 1 :])]
    wanted = "、".join(headings[needed][1:4])
    raise BadInput([Problem("FILE", f"前十行里没有表头（要有“{wanted}”这样的一列）", name, rule="required")])


def given(heads: Mapping[str, int], cells: Sequence[str]) -> dict[str, str]:
    """What a row says, by column; empty cells left out."""
    return {column: cells[at] for column, at in heads.items() if at < len(cells) and cells[at]}

"""The table of commands holds: every recipe, override and test that it names is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from backend.cli import app
from sce.recipes import define, load_recipe, parse_override
from sce.recipes.aliases import ALIASES

ROOT = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/commands.md").read_text().splitlines()
    if re.match(r"\| (\d|I\d|D\d)", line)
]
NUMBERS = [*(str(n) for n in range(1, 20)), *(f"I{n}" for n in range(1, 8)), *(f"D{n}" for n in range(1, 5))]


def commands_of(group: typer.Typer) -> set[str]:
    return {
        one.name or one.callback.__name__.replace("_", "-")
        for one in group.registered_commands
        if one.callback
    }


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_command_has_its_row() -> None:
    assert [row[0] for row in ROWS] == NUMBERS
    assert {len(row) for row in ROWS} == {6}


@pytest.mark.parametrize("row", ROWS, ids=NUMBERS)
def test_a_shell_line_is_one_that_is_understood(row: list[str]) -> None:
    for line in quoted(row[3]):
        program, command, *words = shlex.split(line)
        groups = {group.name: group.typer_instance for group in app.registered_groups}
        assert program == "scelab"
        assert command in commands_of(app) | set(groups)
        if command in groups:
            assert words[0] in commands_of(groups[command])
        if command == "launch":
            assert quoted(row[2]) in ([words[0]], [])
            asked = dict(load_recipe(words[0]).definition)
            if "--checkpoint" in words:
                asked["checkpoint"] = {"path": "1/a.ckpt"}
            define(asked, dict(parse_override(word) for word in words[1:] if "=" in word))


@pytest.mark.parametrize("row", ROWS, ids=NUMBERS)
def test_a_named_test_is_there(row: list[str]) -> None:
    for name in quoted(row[5]):
        file, _, function = name.partition("::")
        assert (ROOT / file).is_file()
        assert not function or f"def {function}(" in (ROOT / file).read_text()


def test_every_published_key_has_its_row() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    assert re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE) == list(ALIASES.items())

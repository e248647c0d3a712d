"""The documentation's Python runs as written, its commands exist, its links lead somewhere."""

import functools
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from vagus import cli

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("concepts.md", "start.md")
WITH_COMMANDS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{p.name}" for p in DOCS.glob("*.md")))


def snippets(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("page", "index"), [(page, i) for page in PAGES for i in range(len(snippets(page)))])
def test_snippet_runs(page: str, index: int) -> None:
    exec(compile(snippets(page)[index], f"{page}[{index}]", "exec"), {"__name__": "snippet"})


def test_links_between_pages_lead_somewhere() -> None:
    root = DOCS.parent
    for page in [root / "README.md", root / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def commands(page: str) -> list[str]:
    """Return every ``vagus ...`` that a page tells to type: lines of its shell snippets, and code within its prose."""
    text = (DOCS.parent / page).read_text()
    fence = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    lines = [line for language, block in fence.findall(text) if language != "python" for line in block.splitlines()]
    code = re.findall(r"`([^`\n]+)`", fence.sub("", text))
    return [
        words for words in (line.strip().removeprefix("$ ") for line in [*lines, *code]) if words.startswith("vagus ")
    ]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the commands that the parser went on to; none of them runs."""
    names: list[str] = []
    for name, row in list(cli.app._subcommands.items()):

        @functools.wraps(row.target)
        def note(*args: object, name: str = name, **options: object) -> None:
            names.append(name)

        monkeypatch.setitem(cli.app._subcommands, name, replace(row, target=note))
    return names


ALL = sorted({words for page in WITH_COMMANDS for words in commands(page)})


def test_there_are_commands_in_the_documentation() -> None:
    assert {"vagus run rover.py", "vagus stop"} <= {words.partition("  ")[0] for words in ALL}


@pytest.mark.parametrize("words", ALL)
def test_a_command_that_is_told_to_be_typed_parses(parsed: list[str], words: str) -> None:
    _, command, *rest = shlex.split(words, comments=True)
    if rest or command in ("demo", "stop", "reset", "top", "doctor"):
        cli.app.cli(args=[command, *rest])
        assert parsed == [command]
    assert command in cli.app._subcommands  # the mere name of one that needs a file


@pytest.mark.parametrize("words", ["vagus fly", "vagus demo --colour red", "vagus run", "vagus run x.py --seed soon"])
def test_a_command_that_does_not_exist_does_not_parse(parsed: list[str], words: str) -> None:
    with pytest.raises(SystemExit):
        cli.app.cli(args=shlex.split(words)[1:])
    assert parsed == []


def test_every_command_is_in_the_readme_and_the_changelog() -> None:
    readme, changelog = ((DOCS.parent / page).read_text() for page in ("README.md", "CHANGELOG.md"))
    for name in cli.app._subcommands:
        assert f"`vagus {name}" in readme, name
        assert re.search(rf"`(vagus )?{name}`", changelog), name

"""The documentation's Python runs as written."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("concepts.md", "start.md")


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

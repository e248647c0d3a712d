"""A browser, and a page for it to visit; loaded by the tests that use them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from page_stand import Stand

if TYPE_CHECKING:
    from page_site import Browser, Site


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from page_site import ARGS, CHROMIUM, sync_api

    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def site(request: pytest.FixtureRequest) -> "Iterator[Site]":
    from page_site import Site

    site = Site(Stand(has_scene=getattr(request, "param", True)))
    yield site
    site.stop()

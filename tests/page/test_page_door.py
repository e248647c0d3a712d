"""The browser is let in without other users seeing the token."""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from page_stand import TOKEN

from vagus.page.door import door
from vagus.page.server import page_url

URL = page_url(8808, TOKEN)


def test_the_browser_is_given_a_file_that_only_this_user_can_read(tmp_path: Path) -> None:
    address = door(tmp_path, URL)
    assert TOKEN not in address
    file = Path(url2pathname(urlsplit(address).path))
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"url={URL}" in file.read_text()


def test_a_file_left_open_to_all_by_someone_is_not_written_to(tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.touch(mode=0o666)
    (tmp_path / "page.html").symlink_to(other)
    door(tmp_path, URL)
    assert other.read_text() == ""
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600


def test_where_no_file_can_be_made_the_browser_is_given_the_page_s_own_address(tmp_path: Path) -> None:
    assert door(tmp_path / "missing", URL) == URL

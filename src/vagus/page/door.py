"""How a browser on this machine is let in without showing the page's token to other users.

A browser's command line can be read by everyone on the machine (``ps``). So it is given the address of a file that only
this user can read, and that leads on to the page.
"""

import os
from html import escape
from pathlib import Path

_FILE = "page.html"


def door(folder: Path, url: str) -> str:
    """Write a file into ``folder`` that leads to ``url``; return the file's address, or ``url`` if it cannot be made.

    A browser in a sandbox of its own (a snap, a Flatpak) sees no such folder and shows "file not found"; the address
    printed at the start still lets it in.
    """
    path = folder.absolute() / _FILE
    try:
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={escape(url)}"><title>Vagus</title>')
    except OSError:
        return url
    return path.as_uri()

"""``python -m vagus`` is ``vagus``."""

from vagus.cli import main

main()

"""Makes ``fake_endpoint``, which other folders' tests use too, importable from here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

"""Makes the small robot of the skill tests importable from here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "act"))

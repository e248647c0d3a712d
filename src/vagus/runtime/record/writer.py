"""An MCAP file set on a bounded share of the disk: files are rotated, the oldest of a class is deleted first."""

import shutil
import sys
from pathlib import Path

import foxglove
from foxglove.mcap import MCAPCompression, MCAPWriteOptions, MCAPWriter

from vagus.core.errors import ConfigError
from vagus.runtime.record.about import About

CHUNK_BYTES = 64 * 1024
"""Messages are compressed and written when there are this many [bytes], or at a ``flush``: what kill -9 may cost."""
_LOOK_BYTES = 1 << 20
"""How much is logged between two looks at the file and the disk [bytes]; a small file is looked at more often."""
_FILES_MIN = 4
"""At least so many files share the budget, so that deleting one keeps most of the past."""
_SMALLEST = 1 << 20
"""A share of the disk that leaves less than this a file is no room [bytes]."""
RESERVE = 1 << 30
"""What recording leaves free on the disk for others [bytes]."""


class FileSet:
    """Files ``<kind>-0001.mcap``, ... in one folder, each with the run's facts, together at most ``budget`` bytes.

    Not counted is what is logged between two looks, at most 1 MiB, and the indexes that files end with.
    What earlier processes left in the folder is counted and deleted as its own, and never written over.
    """

    def __init__(
        self, folder: Path, kind: str, about: About, *, budget: int, file_bytes: int, reserve: int = RESERVE
    ) -> None:
        """Make the folder if need be.

        Raises:
            ConfigError: The folder cannot be written.
        """
        self.context = foxglove.Context()
        self._folder, self._kind, self._about = folder, kind, about
        self._budget, self._file_bytes, self._reserve = budget, file_bytes, reserve
        self._limit = 0
        self._look_bytes = min(_LOOK_BYTES, file_bytes // 16)
        self._unseen = self._look_bytes
        self._has_room = True
        self._path = folder
        self._writer: MCAPWriter | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"cannot record into {folder}: {exc.strerror}; allowed: a folder you may write") from exc
        self.number = max((_number(path) for path in self._files()), default=0)
        """The open file's, or the last one's."""

    def admit(self, size: int) -> bool:
        """Say whether there is room for ``size`` bytes that are about to be logged; begins a new file when it is time.

        Raises:
            ConfigError: A file cannot be made.
        """
        self._unseen += size
        if self._unseen >= self._look_bytes:
            self._unseen = 0
            if self._writer is None or self._is_full():
                self._begin()
        return self._writer is not None

    def _is_full(self) -> bool:
        is_large = not self._path.exists() or self._path.stat().st_size >= self._limit
        return is_large or shutil.disk_usage(self._folder).free < self._reserve // 2

    def _begin(self) -> None:
        """Begin the next file if there is room, which deleting the oldest makes."""
        self.close()
        files = self._files()
        sizes = [path.stat().st_size for path in files]
        room = min(self._budget, sum(sizes) + shutil.disk_usage(self._folder).free - self._reserve)
        self._limit = min(self._file_bytes, room // _FILES_MIN)
        has_room, self._has_room = self._has_room, self._limit >= min(self._file_bytes, _SMALLEST)
        if not self._has_room:
            if has_room:
                print(f"no room for recordings in {self._folder}: messages are left out", file=sys.stderr, flush=True)
            return
        while sizes and sum(sizes) + self._limit > room:
            files.pop(0).unlink(missing_ok=True)
            sizes.pop(0)
        self._open(self.number + 1)

    def _open(self, number: int) -> None:
        options = MCAPWriteOptions(compression=MCAPCompression.Lz4, chunk_size=CHUNK_BYTES, profile="ros2")
        self.number, self._path = number, self._folder / f"{self._kind}-{number:04d}.mcap"
        try:
            self._writer = foxglove.open_mcap(self._path, context=self.context, writer_options=options)
        except OSError as exc:
            raise ConfigError(f"cannot record into {self._path}: {exc}; allowed: a folder you may write") from exc
        self._about.write_into(self._writer)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._kind}-*.mcap"), key=_number)

    def flush(self) -> None:
        """Write what was logged, so that the end of this process cannot take it away."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Finish the open file with its index."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.close()
            except RuntimeError as exc:  # a full disk: the file can be read by scanning it, but has no index
                print(f"{self._path} has no index: {exc}", file=sys.stderr, flush=True)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0

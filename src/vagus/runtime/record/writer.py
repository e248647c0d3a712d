"""An MCAP file set on a bounded share of the disk: files are rotated, the oldest of a class is deleted first."""

from pathlib import Path

import foxglove
from foxglove.mcap import MCAPCompression, MCAPWriteOptions, MCAPWriter

from vagus.core.errors import ConfigError

CHUNK_BYTES = 64 * 1024
"""What a power cut may cost: a chunk is compressed and written when it is full."""


class FileSet:
    """Files ``<kind>-0001.mcap``, ... in one folder, together at most ``budget`` bytes."""

    def __init__(self, folder: Path, kind: str, *, budget: int, file_bytes: int) -> None:
        """Make the folder if need be.

        Raises:
            ConfigError: The folder cannot be written.
        """
        self.context = foxglove.Context()
        self._folder, self._kind = folder, kind
        self._budget, self._file_bytes = budget, file_bytes
        self._number = 0
        self._written = 0
        self._writer: MCAPWriter | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"cannot record into {folder}: {exc.strerror}") from exc

    def count(self, size: int) -> bool:
        """Note that ``size`` bytes are about to be logged; say whether a new file was begun for them."""
        self._written += size
        if self._writer is not None and self._written <= self._file_bytes:
            return False
        self._written = size
        self._open_next()
        return True

    def _open_next(self) -> None:
        self.close()
        self._evict()
        self._number += 1
        options = MCAPWriteOptions(compression=MCAPCompression.Lz4, chunk_size=CHUNK_BYTES, profile="ros2")
        path = self._folder / f"{self._kind}-{self._number:04d}.mcap"
        self._writer = foxglove.open_mcap(path, context=self.context, writer_options=options, allow_overwrite=True)

    def _evict(self) -> None:
        files = sorted(self._folder.glob(f"{self._kind}-*.mcap"))
        while files and sum(f.stat().st_size for f in files) + self._file_bytes > self._budget:
            files.pop(0).unlink()

    def close(self) -> None:
        """Finish the open file with its index."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

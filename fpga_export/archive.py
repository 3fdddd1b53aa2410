"""Files on their way out, a piece at a time: one as it lies, or all of a run in one ZIP."""

import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Final, Self, cast

from asgiref.sync import sync_to_async

from fpga_export import store
from fpga_export.models import ExportSession

CHUNK: Final = 256 * 1024


class Pieces:
    """A file in pieces, for a server that does not wait; `close` may come at any time."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await sync_to_async(self._file.read)(CHUNK)
        if not piece:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        self._file.close()


class _Pipe:
    """What `zipfile` writes, until it is taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.place = 0

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        self.place += len(data)
        return len(data)

    def tell(self) -> int:
        return self.place

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


async def streamed(export: ExportSession) -> AsyncIterator[bytes]:
    """The same for a server that does not wait."""
    pieces = zipped(export)
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece


def _next(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)


def zipped(export: ExportSession) -> Iterator[bytes]:
    """The archive's bytes, in pieces; a design's folders stay as they are."""
    pipe = _Pipe()
    rows = list(export.artifacts.values_list("folder", "name"))
    folders = {folder for folder, _ in rows}
    with zipfile.ZipFile(
        cast("IO[bytes]", pipe), "w", zipfile.ZIP_DEFLATED, compresslevel=3
    ) as archive:
        for folder, name in rows:
            path = store.published(folder, export.session_id) / name
            inner = name if len(folders) == 1 else f"{folder}/{name}"
            entry = zipfile.ZipInfo(f"{export.session_id}/{inner}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while piece := source.read(CHUNK):
                    target.write(piece)
                    yield pipe.taken()
    yield pipe.taken()

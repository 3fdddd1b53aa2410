"""Long downloads, made as they are sent: however long, a piece of it is in memory."""

from collections.abc import AsyncIterator, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils.translation import get_language, override

PIECE = 64 * 1024  # bytes, at least, but for the last one


def download(name: str, kind: str, lines: Iterable[bytes]) -> StreamingHttpResponse:
    """The lines as a file that the browser saves; their words are in the reader's language."""
    language = get_language() or settings.LANGUAGE_CODE
    response = StreamingHttpResponse(_sent(_pieces(lines), language), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


async def _sent(pieces: Iterator[bytes], language: str) -> AsyncIterator[bytes]:
    def following() -> bytes | None:
        with override(language):
            return next(pieces, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece

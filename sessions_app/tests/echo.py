"""A socket that says who it hears."""

from sessions_app.sockets import SessionSocket
from visionai.lib.errors import DomainError


class Echo(SessionSocket):
    """Answers who spoke; text `as <token>` speaks for another."""

    codes: list[int] = []

    async def opened(self) -> None:
        await self.send_json({"hello": self.identity.username})

    async def text(self, text: str) -> None:
        who = self.identity
        if text.startswith("as "):
            try:
                who = await self.identify(text.removeprefix("as "))
            except DomainError as refusal:
                await self.send_json({"error": refusal.code})
                return
        await self.send_json({"text": text[:2], "user": who.username})

    async def frame(self, data: bytes) -> None:
        await self.send_json({"bytes": len(data), "user": self.identity.username})

    async def closed(self, code: int) -> None:
        self.codes.append(code)


class WithoutCookie(Echo):
    cookie_allowed = False

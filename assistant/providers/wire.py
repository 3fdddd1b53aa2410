"""A conversation in the form of the OpenAI API, which Hugging Face speaks too, and its tools."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, cast

from django.utils.translation import override

from assistant.core.going_on import GoingOn
from assistant.providers.base import (
    Ask,
    Attachment,
    Delta,
    Filtered,
    Piece,
    ProviderFault,
    ProviderRefused,
    Source,
    Tool,
    ToolCall,
    ToolUsed,
    Turn,
)

MOST_ROUNDS: Final = 5  # of tools, for one answer
MOST_CALLS: Final = 8  # in one round
TOOL_S: Final = 10.0
MOST_RESULT: Final = 20_000  # characters of a tool's answer that a model is shown
LANGUAGES = {"es": "Spanish", "en": "English"}
SYSTEM = (
    "You are the assistant of VisionAI, a site that reads facial expressions, carries neural"
    " networks to hardware, and runs trading sessions. Answer in {language}, briefly, in Markdown."
    " Facts about this user come only from the tools; when they do not tell, say so."
    " How the site is used comes from search_help: link the page that you use by its path."
)
GO_ON = "Your last message was cut: go on right after its last character, and repeat nothing."

log = logging.getLogger(__name__)
# One exchange with the model: deltas, and the tools that it wants run.
Once: TypeAlias = Callable[[list[dict[str, Any]]], AsyncIterator[Delta | ToolCall]]
With: TypeAlias = Callable[[dict[str, Any]], AsyncIterator[Delta | ToolCall]]  # extras


def messages_of(ask: Ask) -> list[dict[str, Any]]:
    """The turns, a system turn first; `said` is the last turn, the assistant's."""
    turns = list(ask.turns)
    if not any(turn.role == "system" for turn in turns):
        turns.insert(0, Turn("system", SYSTEM.format(language=LANGUAGES[ask.language])))
    if ask.said:
        turns[0] = replace(turns[0], text=f"{turns[0].text}\n{GO_ON}")
    messages = [_message(turn) for turn in turns]
    if ask.said:
        messages.append({"role": "assistant", "content": ask.said})
    return messages


def tools_of(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in tools
    ]


async def rounds(ask: Ask, once: Once) -> AsyncIterator[Piece]:
    """The answer; tools that the model asks for are run in between, and it is asked again."""
    messages, tools = messages_of(ask), {tool.name: tool for tool in ask.tools}
    going_on = GoingOn(ask.said)
    for _round in range(MOST_ROUNDS):
        calls: list[ToolCall] = []
        async with aclosing(cast("Any", once(messages))) as pieces:
            async for piece in pieces:
                if isinstance(piece, ToolCall):
                    calls.append(piece)
                elif text := going_on.feed(piece.text):
                    yield Delta(text)
        if not calls:
            break
        if ask.said and messages[-1]["role"] == "assistant":
            messages.pop()  # a call of a tool may not follow an unfinished turn
        messages.append(_message(Turn("assistant", "", calls=tuple(calls[:MOST_CALLS]))))
        for call in calls[:MOST_CALLS]:
            yield ToolUsed(call.name)
            with override(ask.language):
                result = await run_tool(tools, call)
            for source in sources_of(result):
                yield source
            text = json.dumps(result, ensure_ascii=False, default=str)[:MOST_RESULT]
            messages.append(_message(Turn("tool", text, call_id=call.id)))
    else:
        log.warning("a model asked for tools %s times and gave no answer", MOST_ROUNDS)
        raise ProviderFault
    if text := going_on.finish():
        yield Delta(text)


async def with_or_without(
    extras: dict[str, Any], once: With
) -> AsyncGenerator[Delta | ToolCall, None]:
    """One exchange; without the extras where they are refused: tools, which some do not know."""
    for more in [extras, {}] if extras else [{}]:
        try:
            async with aclosing(cast("Any", once(more))) as pieces:
                async for piece in pieces:
                    yield piece
        except ProviderRefused:
            if not more:
                raise
        else:
            return


async def told_of(chunks: AsyncIterator[Any]) -> AsyncGenerator[Delta | ToolCall, None]:
    """What a streamed answer says. Raises `Filtered` and `ProviderFault` as `Streamed` does."""
    streamed = Streamed()
    async for chunk in chunks:
        for choice in chunk.choices or []:
            if text := streamed.take(choice):
                yield Delta(text)
    for call in streamed.calls():
        yield call


async def run_tool(tools: Mapping[str, Tool], call: ToolCall) -> Mapping[str, Any]:
    """What the tool says; a model that asked wrongly is told so in its answer."""
    if call.name not in tools:
        return {"error": f"there is no tool {call.name[:80]}"}
    try:
        arguments = json.loads(call.arguments or "{}")
        if not isinstance(arguments, dict):
            return {"error": "the arguments are not a JSON object"}
        async with asyncio.timeout(TOOL_S):
            return await tools[call.name].run(arguments)
    except ValueError as refusal:  # a bad JSON too
        return {"error": str(refusal)[:500]}
    except TimeoutError:
        return {"error": "the tool took too long"}
    except Exception:
        log.exception("the tool %s failed", call.name)
        return {"error": "the tool failed"}


def sources_of(result: Mapping[str, Any]) -> list[Source]:
    """The pages and rows of this site that a tool's result names under `sources`."""
    named = result.get("sources")
    return [
        Source(str(one["title"]), str(one["url"]))
        for one in (named if isinstance(named, list) else [])
        if isinstance(one, Mapping) and "title" in one and "url" in one
    ]


@dataclass
class Streamed:
    """Puts a streamed answer together: text at once, calls of tools when the round has ended.

    `choice` is a choice of a chunk, as an object with `delta` and `finish_reason`.
    """

    finish: str | None = None
    _calls: dict[int, list[str]] = field(default_factory=dict)  # index: id, name, arguments

    def take(self, choice: Any) -> str:
        """The text of one chunk. Raises `Filtered` when the provider's own rules end the answer."""
        self.finish = choice.finish_reason or self.finish
        if self.finish == "content_filter":
            raise Filtered
        delta = choice.delta
        for call in getattr(delta, "tool_calls", None) or []:
            known = self._calls.setdefault(call.index or 0, ["", "", ""])
            known[0] = call.id or known[0]
            known[1] = (call.function and call.function.name) or known[1]
            known[2] += (call.function and call.function.arguments) or ""
        text = getattr(delta, "content", None) or ""
        if not isinstance(text, str):
            raise ProviderFault
        return text

    def calls(self) -> list[ToolCall]:
        """The tools to run. Raises `ProviderFault` for a stream that broke off."""
        if self.finish is None:
            raise ProviderFault
        return [
            ToolCall(known[0] or f"call_{index}", known[1], known[2])
            for index, known in sorted(self._calls.items())
        ]


def _message(turn: Turn) -> dict[str, Any]:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.call_id, "content": turn.text}
    if turn.calls:
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in turn.calls
        ]
        return {"role": "assistant", "content": turn.text or None, "tool_calls": calls}
    if turn.attachments:
        parts = [_part(one) for one in turn.attachments]
        return {"role": turn.role, "content": [{"type": "text", "text": turn.text}, *parts]}
    return {"role": turn.role, "content": turn.text}


def _part(attachment: Attachment) -> dict[str, Any]:
    if attachment.media_type.startswith("image/"):
        data = base64.b64encode(attachment.data).decode()
        url = f"data:{attachment.media_type};base64,{data}"
        return {"type": "image_url", "image_url": {"url": url}}
    text = attachment.data.decode("utf-8", "replace")
    return {"type": "text", "text": f"File {attachment.name}:\n{text}"}

"""Which providers the settings name for each capability, in the order in which they are asked."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from django.conf import settings

from assistant.providers.base import ProviderFault
from assistant.providers.guard import Guard, clear_guards, guard_of

if TYPE_CHECKING:
    from assistant.providers.spaces import LetterSpace

Capability: TypeAlias = Literal["chat", "transcribe", "speak", "detect", "caption"]
CAPABILITIES: tuple[Capability, ...] = ("chat", "transcribe", "speak", "detect", "caption")
EMBEDDED = "embedded"
__all__ = ["clear_guards", "engines_of", "guard_for"]


def _embedded_chat() -> Any:
    from assistant.providers.embedded import EmbeddedChat

    return EmbeddedChat()


def _embedded_transcriber() -> Any:
    from assistant.providers.embedded_speech import EmbeddedTranscriber

    return EmbeddedTranscriber()


def _embedded_speaker() -> Any:
    from assistant.providers.embedded_speech import EmbeddedSpeaker

    return EmbeddedSpeaker()


def _embedded_vision() -> Any:
    from assistant.providers.embedded_vision import EmbeddedVision

    return EmbeddedVision()


def _openai(model_of: str) -> Callable[[], Any]:
    def make() -> Any:
        model = getattr(settings, model_of)
        if not model or not (settings.OPENAI_BASE_URL or settings.OPENAI_API_KEY):
            return None
        from assistant.providers.openai import OpenAI

        return OpenAI(model, settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)

    return make


def _huggingface(model_of: str) -> Callable[[], Any]:
    def make() -> Any:
        model = getattr(settings, model_of)
        if not model or not (settings.HF_BASE_URL or settings.HF_API_KEY):
            return None
        from assistant.providers.huggingface import HuggingFace

        return HuggingFace(model, settings.HF_BASE_URL, settings.HF_API_KEY)

    return make


# Each makes a provider, or None where a setting that it needs is missing.
MAKERS: dict[tuple[str, Capability], Callable[[], Any]] = {
    ("openai", "chat"): _openai("OPENAI_CHAT_MODEL"),
    ("openai", "transcribe"): _openai("OPENAI_TRANSCRIBE_MODEL"),
    ("openai", "speak"): _openai("OPENAI_SPEAK_MODEL"),
    ("huggingface", "chat"): _huggingface("HF_CHAT_MODEL"),
    ("huggingface", "transcribe"): _huggingface("HF_TRANSCRIBE_MODEL"),
    ("huggingface", "speak"): _huggingface("HF_SPEAK_MODEL"),
    ("huggingface", "detect"): _huggingface("HF_DETECT_MODEL"),
    ("huggingface", "caption"): _huggingface("HF_CAPTION_MODEL"),
    (EMBEDDED, "chat"): _embedded_chat,
    (EMBEDDED, "transcribe"): _embedded_transcriber,
    (EMBEDDED, "speak"): _embedded_speaker,
    (EMBEDDED, "detect"): _embedded_vision,
    (EMBEDDED, "caption"): _embedded_vision,
}


def engines_of(capability: Capability, *, engine: str = "", anonymous: bool = False) -> list[Any]:
    """The providers to ask, first to last; `engine` asks one of them alone.

    A caller without a login has the embedded ones alone: the others cost money. Raises
    `ProviderFault` when there is none.
    """
    order = [name for name in settings.ASSISTANT_ORDER if name != EMBEDDED or not anonymous]
    order = [EMBEDDED] if anonymous else [*dict.fromkeys([*order, EMBEDDED])]
    if engine:
        order = [name for name in order if name == engine]
    made = [_made(name, capability) for name in order if (name, capability) in MAKERS]
    found = [one for one in made if one is not None]
    if not found:
        raise ProviderFault
    return found


def guard_for(capability: Capability | Literal["letters"], provider: Any) -> Guard:
    """Its guard; another address or model is another far side."""
    where = f"{getattr(provider, 'base_url', '')} {provider.model}"
    digest = hashlib.sha256(where.encode()).hexdigest()[:8]
    return guard_of(f"{capability}.{provider.name}.{digest}")


def outside() -> list[tuple[Capability, Any]]:
    """Every provider that the settings name, by what it is asked for; none of the embedded."""
    found: list[tuple[Capability, Any]] = []
    for capability in CAPABILITIES:
        for name in settings.ASSISTANT_ORDER:
            if name == EMBEDDED or (name, capability) not in MAKERS:
                continue
            if (provider := _made(name, capability)) is not None:
                found.append((capability, provider))
    return found


def space() -> "LetterSpace | None":
    """The Space that reads signed letters, if the settings name one."""
    name = settings.HF_ASL_SPACE_URL or settings.HF_MODELO_SIGN
    if not name:
        return None
    from assistant.providers.spaces import LetterSpace

    return LetterSpace(name)


def _made(name: str, capability: Capability) -> Any:
    try:
        return MAKERS[name, capability]()
    except ModuleNotFoundError:  # the engine's library is not installed on this machine
        return None

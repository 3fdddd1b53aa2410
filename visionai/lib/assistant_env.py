"""What the operator may set of the assistant's providers."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from visionai.lib.console import say as _

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ENGINES = ("openai", "huggingface", "embedded")


class AssistantVariables(BaseModel):
    """One part of the environment; every variable is its field's name in capitals."""

    openai_base_url: str | None = None
    openai_api_key: str | None = None
    openai_chat_model: str | None = None
    openai_transcribe_model: str | None = None
    openai_speak_model: str | None = None

    hf_api_key: str | None = None
    hf_base_url: str | None = None
    hf_chat_model: str | None = None
    hf_detect_model: str | None = None
    hf_caption_model: str | None = None
    hf_transcribe_model: str | None = None
    hf_speak_model: str | None = None
    hf_modelo_sign: str | None = None
    hf_asl_space_url: str | None = None
    chat_model: str | None = None  # the original's variable is called `model`

    chat_deadline_s: float = Field(default=30.0, ge=1.0, le=600.0)
    assistant_order: list[str] = list(ENGINES)
    assistant_filters_file: Path | None = None
    anonymous_chat: bool = True
    conversation_retention_days: int | None = Field(default=None, ge=1)

    def assistant_faults(self) -> Iterator[tuple[str, str]]:
        """(variable, sentence with the cure) of each rule that joins several variables."""
        for name in ("openai_base_url", "hf_base_url", "hf_asl_space_url"):
            if cure := _address_cure(getattr(self, name)):
                yield name.upper(), cure
        models = (self.openai_chat_model, self.openai_transcribe_model, self.openai_speak_model)
        if any(models) and not (self.openai_base_url or self.openai_api_key):
            yield (
                "OPENAI_API_KEY",
                _("set it, or OPENAI_BASE_URL of a server of your own; a model is not enough"),
            )
        if self.hf_chat_model and self.chat_model and self.hf_chat_model != self.chat_model:
            yield (
                "HF_CHAT_MODEL",
                _("it disagrees with {other}; remove one of the two", other="model"),
            )
        tasks = ("chat", "detect", "caption", "transcribe", "speak")
        if any(getattr(self, f"hf_{task}_model") for task in tasks) and not (
            self.hf_base_url or self.hf_api_key
        ):
            yield "HF_API_KEY", _("set it: a token of huggingface.co; a model is not enough")
        strange = [name for name in self.assistant_order if name not in ENGINES]
        if strange or len(set(self.assistant_order)) < len(self.assistant_order):
            yield (
                "ASSISTANT_ORDER",
                _("write each of these at most once: {names}", names=", ".join(ENGINES)),
            )
        path = self.assistant_filters_file
        if path and not path.is_file():
            yield (
                "ASSISTANT_FILTERS_FILE",
                _("there is no file {path}; correct the path", path=path),
            )


def _address_cure(address: str | None) -> str:
    """What is wrong with the address of a provider, or nothing."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return _("write an address such as http://127.0.0.1:11434/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        return _("leave keys and parameters out of the address; keys have variables of their own")
    return ""

"""The inference engine of this process: started once, swapped when a version is activated."""

import hashlib
import logging
import threading

from predictions.core.engine import Engine
from predictions.core.reading import Model
from predictions.models import ModelVersion
from predictions.versions import active_version, folder_of

log = logging.getLogger(__name__)

_lock = threading.Lock()
_engine: Engine | None = None


class ModelFileChanged(Exception):
    """The file of a version is not the one that was registered."""


def engine() -> Engine:
    """The engine, started with the active version at the first call; that one may query."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = Engine(_active_model())
            _engine.start()
        return _engine


def running_engine() -> Engine | None:
    """The engine if it was started already; never waits and never queries."""
    return _engine


def swap(_version_id: str = "") -> None:
    """Follow an activation. Where the new version cannot be loaded, the old one goes on."""
    if _engine is None:
        return
    model = _active_model()
    before = _engine.model
    if model is not None and (before is None or before.version != model.version):
        _engine.use(model)


def stop() -> None:
    """End the engine of this process; the next `engine()` starts another."""
    global _engine
    with _lock:
        stopping, _engine = _engine, None
    if stopping is not None:
        stopping.stop()


def load_model(version: ModelVersion) -> Model:
    """The network of a version, ready to run. Raises `OSError` or `ModelFileChanged`, or
    `ModelUnfit` for a file that is no such network."""
    from predictions.core.classifier import Classifier  # LiteRT is 20 MB that a page never needs

    path = folder_of(version) / version.tflite_file
    if hashlib.sha256(path.read_bytes()).hexdigest() != version.sha256:
        raise ModelFileChanged(path.name)
    classifier = Classifier(path, temperature=version.temperature, bias=version.bias)
    return Model(
        classifier, version.version_tag, version.crop_margin, version.pk, version.calibrated
    )


def _active_model() -> Model | None:
    version = active_version()
    if version is None:
        log.error("no model version is active; pictures are refused until one is")
        return None
    try:
        return load_model(version)
    except Exception:  # a broken file must not keep the rest of the product from serving
        log.exception("model version %s cannot be loaded", version.version_tag)
        return None

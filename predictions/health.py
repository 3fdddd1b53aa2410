"""Whether this process can see."""

from predictions.inference import running_engine
from sessions_app.open_sockets import open_sockets


def health_body() -> dict[str, object]:
    """`degraded` until the engine of this process has a model."""
    running = running_engine()
    loaded = running is not None and running.model is not None
    return {
        "status": "healthy" if loaded or running is None else "degraded",
        "service": "VisionAI Backend",
        "model_loaded": loaded,
        "clients_connected": len(open_sockets),
    }

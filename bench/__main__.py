"""`python -m bench [seconds]`: prints each figure with its goal; fails where one is missed."""

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from websockets.asyncio.client import connect

from bench.figures import HEAD, Figure

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "predictions" / "ml_models"
SOCKETS = 8
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Rate:
    """Of one server under load."""

    predictions: int
    seconds: float
    cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        return self.predictions / max(self.cpu_seconds, 1 / TICKS)


def face() -> bytes:
    """A 96x96 JPEG crop of one of our portraits: the network's input, for both servers alike."""
    portrait = Image.open(ROOT / "static" / "samples" / "eileen-collins-nasa.jpg").convert("RGB")
    crop = io.BytesIO()
    portrait.resize((96, 96)).save(crop, "JPEG", quality=90)
    return crop.getvalue()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """The process id of a server."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


async def load(url: str, pid: int, *, seconds: float) -> Rate:
    """Every socket sends its next frame when the last one is answered."""
    frame, counts = face(), [0] * SOCKETS
    until = 0.0

    async def one(number: int) -> None:
        async with connect(url, compression=None) as client:
            await client.recv()
            while time.monotonic() < until:
                await client.send(frame)
                answer = json.loads(await client.recv())
                if answer["type"] != "prediction":
                    raise RuntimeError(f"the server answered {answer}")
                counts[number] += 1

    until = time.monotonic() + 2  # warm
    await asyncio.gather(*map(one, range(SOCKETS)))
    counts[:] = [0] * SOCKETS
    spent, began = cpu_seconds(pid), time.monotonic()
    until = began + seconds
    await asyncio.gather(*map(one, range(SOCKETS)))
    return Rate(sum(counts), time.monotonic() - began, cpu_seconds(pid) - spent)


def ours(data_dir: Path, *, seconds: float) -> tuple[Rate, float, float, bool]:
    """(rate, seconds to the first answer, resident MB after the load, TensorFlow absent)."""
    port = free_port()
    environment = os.environ | {
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "SOCKET_FRAMES_PER_SECOND": "0",
    }
    manage = [sys.executable, "manage.py"]
    for command in ("migrate", "createcachetable"):
        subprocess.run(  # noqa: S603
            [*manage, command], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    began = time.monotonic()
    with running(["-m", "visionai.web"], environment) as pid:
        first = first_prediction(port)
        started = first - began
        rate = asyncio.run(load(f"ws://127.0.0.1:{port}/ws/camera", pid, seconds=seconds))
        mapped = Path(f"/proc/{pid}/maps").read_text()
        return rate, started, resident_mb(pid), "tensorflow/" not in mapped


def first_prediction(port: int) -> float:
    """When the first picture was answered."""
    edge = "a-part-ends-here"
    part = 'Content-Disposition: form-data; name="file"; filename="f.jpg"\r\n\r\n'
    body = f"--{edge}\r\n{part}".encode() + face() + f"\r\n--{edge}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/predict", body, kind)
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            urllib.request.urlopen(request, timeout=20).close()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.02)
        else:
            return time.monotonic()
    raise TimeoutError("no prediction within 60 s")


def plain(*, seconds: float) -> Rate:
    port = free_port()
    weights = os.environ | {"PLAIN_MODEL": str(sorted(MODELS.glob("emotions-*.keras"))[-1])}
    command = ["-m", "uvicorn", "bench.plain:application", "--port", str(port)]
    command += ["--ws", "websockets-sansio", "--loop", "uvloop", "--no-access-log"]
    command += ["--lifespan", "off", "--log-level", "critical", "--ws-per-message-deflate", "false"]
    with running(command, weights | {"DJANGO_SETTINGS_MODULE": "bench.settings"}) as pid:
        limit = time.monotonic() + 120
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > limit:
                raise TimeoutError("the plain server did not start")
            time.sleep(0.2)
        return asyncio.run(load(f"ws://127.0.0.1:{port}/", pid, seconds=seconds))


def tensorflow_absent() -> bool:
    """In a fresh interpreter that loads the application and reads one picture."""
    code = "import sys, visionai.asgi; from visionai.lib.runtime import runtime;"
    code += "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"ENV_FILE": os.devnull, "DATA_DIR": folder}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
        )
    return done.stdout.split() == [b"False", b"False"]


def main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        rate, started, resident, unmapped = ours(Path(folder), seconds=seconds)
    other = plain(seconds=seconds)
    absent = unmapped and tensorflow_absent()
    figures = [
        Figure(
            "predictions per server CPU-second, against sync_to_async(model.predict)",
            rate.per_cpu_second / other.per_cpu_second,
            80,
            "x",
            at_least=True,
        ),
        Figure("resident memory of the web process", resident, 250, "MB", at_least=False),
        Figure("start to the first prediction", started, 5, "s", at_least=False),
        Figure("TensorFlow absent from the web process", float(absent), 1, "", at_least=True),
    ]
    for name, one in (("VisionAI", rate), ("sync_to_async(model.predict)", other)):
        print(
            f"{name}: {one.predictions} predictions in {one.seconds:.1f} s with"
            f" {one.cpu_seconds:.2f} s of CPU: {one.per_cpu_second:.0f} per CPU-second"
        )
    print(HEAD)
    for figure in figures:
        print(figure.told())
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))

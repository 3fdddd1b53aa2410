"""A child process that ends with the worker that started it, its own programs included."""

import os
import signal
import threading
import time
from typing import Final

LOOK_S: Final = 0.5


def end_with(parent: int) -> None:
    """Kill this process's group once `parent` is no longer its parent.

    Call it only in a process that leads a group of its own. A worker that was killed cannot end its
    child; the row is sent again, and two children would then write into one folder.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()

"""When each picture leaves each stage of a stream, to the cycle: the test bench insists on it.

A model of what the VHDL does with its clock, without its numbers. Edges of the clock count from 1,
the first at which a pixel could come.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from fpga_export.core.ir import Add, Conv, Network, Node, Reshape
from fpga_export.core.vhdl.stream import Stage
from fpga_export.core.vhdl.stream_flow import fifo_depths, joins, readers, taps

FOREVER: Final = 1 << 60
LONGEST: Final = 1_000_000  # edges


@dataclass(slots=True)
class Timing:
    """Edges at which the last pixel of each picture leaves a node, and the answers are seen."""

    ends: dict[str, list[int]]
    answers: list[int]
    begins: dict[str, int]  # the first pixel of all

    @property
    def each(self) -> int | None:
        """Cycles from one answer to the next, of the last two; None where there are no two."""
        return self.answers[-1] - self.answers[-2] if len(self.answers) > 1 else None


class Part(Protocol):
    """Something that takes pixels and gives them: `full` where it has one, `ready` for one."""

    full: bool

    def ready(self, *, leaves: bool) -> bool:
        """Whether it takes a pixel at this edge. `leaves`: the next one takes its own."""

    def tick(self, *, comes: bool, leaves: bool) -> None:
        """An edge of the clock."""

    def quiet(self, *, leaves: bool) -> int:
        """Edges from now on that change nothing that others see, if no pixel moves."""

    def skip(self, edges: int) -> None:
        """So many of them go by."""


@dataclass(slots=True)
class Walk:
    """`ns_walk` with what is behind it: a step a cycle, three edges from the last to the pixel."""

    stage: Stage
    full: bool = False
    room: bool = False
    came: int = 0
    pixel: int = 0
    step: int = 0
    reading: bool = True
    flushed: bool = True
    pipe: list[bool] = field(default_factory=lambda: [False, False, False])
    taps: list[list[int]] = field(init=False)
    most: list[int] = field(init=False)
    chunks: int = field(init=False)

    def __post_init__(self) -> None:
        counts = taps(self.stage)
        self.taps, self.most = counts.tolist(), counts.max(axis=1).tolist()
        groups = 1
        if isinstance(self.stage.work, Conv):
            groups = -(-self.stage.node.shape[2] // self.stage.lanes)
        self.chunks = self.stage.each // groups // counts.shape[1]

    def ready(self, *, leaves: bool) -> bool:
        return self.room

    def _waits(self) -> bool:
        if self.came >= self.most[self.pixel]:
            return False
        taps = self.taps[self.pixel]
        return self.came < taps[self.step // self.chunks % len(taps)]

    def tick(self, *, comes: bool, leaves: bool) -> None:
        self.came += comes
        if leaves or not self.full:
            first, second, third = self.pipe
            self.full = third
            issued = False
            if not self.reading:
                self.flushed = True
            elif not self._waits():
                self.step += 1
                if self.step == self.stage.each:
                    self.step, issued = 0, True
                    self.pixel += 1
                    if self.pixel == len(self.most):
                        self.reading = self.flushed = False
            self.pipe = [issued, first, second]
        high, wide, _ = self.stage.source.shape
        if not self.reading and self.flushed and self.came == high * wide:
            self.reading, self.came, self.pixel = True, 0, 0
        self.room = self._room()

    def _room(self) -> bool:
        stage, window = self.stage, self.stage.window
        assert window is not None
        high, wide, _ = stage.source.shape
        row = self.came // wide
        if not self.reading:
            return row < high
        top = self.pixel // stage.node.shape[1] * window.stride[0] - window.padding[0]
        return row < high and row < max(top - window.stride[0], 0) + stage.rows

    def quiet(self, *, leaves: bool) -> int:
        if self.room != self._room():  # before the first edge
            return 1
        if self.full:
            return 1 if leaves else FOREVER
        if True in self.pipe:
            return 1
        if not self.reading:
            return FOREVER if self.flushed else 1
        if self.came < self.most[self.pixel]:
            return FOREVER if self._waits() else 1
        return max(1, self.stage.each - 1 - self.step)

    def skip(self, edges: int) -> None:
        if not self.full and self.reading and self.came >= self.most[self.pixel]:
            self.step += edges


@dataclass(slots=True)
class Join:
    """`ns_add` and `ns_concat`: `delay` edges from a pixel to the next."""

    delay: int
    full: bool = False
    valid: bool = False

    def ready(self, *, leaves: bool) -> bool:
        return leaves or not self.full

    def tick(self, *, comes: bool, leaves: bool) -> None:
        if leaves or not self.full:
            self.full = self.valid if self.delay == 2 else comes
            self.valid = comes

    def quiet(self, *, leaves: bool) -> int:
        return 1 if (leaves or not self.full) and (self.valid or self.full) else FOREVER

    def skip(self, edges: int) -> None:
        pass


@dataclass(slots=True)
class Gearbox:
    """`ns_reshape`."""

    comes: int
    goes: int
    left: int = 0
    made: int = 0
    full: bool = False

    def ready(self, *, leaves: bool) -> bool:
        return self.left == 0

    def tick(self, *, comes: bool, leaves: bool) -> None:
        moves = self.left > 0 and (leaves or not self.full)
        if leaves:
            self.full = False
        if moves:
            self.left -= 1
            self.made += 1
            if self.made == self.goes:
                self.made, self.full = 0, True
        elif comes:
            self.left = self.comes

    def quiet(self, *, leaves: bool) -> int:
        return 1 if self.left > 0 and (leaves or not self.full) else FOREVER

    def skip(self, edges: int) -> None:
        pass


@dataclass(slots=True)
class Fifo:
    """`ns_fifo`: what comes in is out two edges later."""

    depth: int
    count: int = 0
    full: bool = False  # the front has a pixel

    def ready(self, *, leaves: bool) -> bool:
        return self.count < self.depth

    def tick(self, *, comes: bool, leaves: bool) -> None:
        if not self.full or leaves:
            self.full = self.count > 0
            self.count -= self.full
        self.count += comes

    def quiet(self, *, leaves: bool) -> int:
        return 1 if self.count and (leaves or not self.full) else FOREVER

    def skip(self, edges: int) -> None:
        pass


@dataclass(slots=True)
class Finder:
    """`ns_argmax`."""

    pixels: int
    channels: int
    left: int = 0
    seen: int = 0
    full: bool = False  # done

    def ready(self, *, leaves: bool) -> bool:
        return self.left == 0

    def tick(self, *, comes: bool, leaves: bool) -> None:
        self.full = False
        if self.left:
            self.left -= 1
            if not self.left:
                self.seen += 1
                if self.seen == self.pixels:
                    self.seen, self.full = 0, True
        elif comes:
            self.left = self.channels

    def quiet(self, *, leaves: bool) -> int:
        if self.left or self.full:
            return 1 if self.full else max(1, self.left - 1)
        return FOREVER

    def skip(self, edges: int) -> None:
        self.left -= min(self.left, edges)


class Flow:
    """A stream's parts, and who takes what from whom."""

    def __init__(self, network: Network, found: Sequence[Stage]) -> None:
        self.network = network
        depths = fifo_depths(network, found)
        self.parts: dict[str, Part] = {stage.node.name: _part(stage) for stage in found}
        self.fifos = {
            stage.node.name: [Fifo(depths[stage.node.name, place]) for place, _ in _inputs(stage)]
            for stage in found
            if joins(stage)
        }
        answer = network.node(network.answer)
        self.finder = Finder(math.prod(answer.shape[:2]), answer.shape[2])
        self.takers: dict[str, list[tuple[Part, str]]] = {}  # the part, and the node behind it
        for node in network.nodes:
            takers: list[tuple[Part, str]] = []
            for stage, place in readers(found, node.name):
                name = stage.node.name
                joined = self.fifos.get(name)
                takers.append((joined[place], "") if joined else (self.parts[name], name))
            if node.name == network.answer:
                takers.append((self.finder, ""))
            self.takers[node.name] = takers
        self.backwards = [node.name for node in reversed(network.nodes)]
        self.pixels = {node.name: math.prod(node.shape[:2]) for node in network.nodes}

    def run(self, pictures: int, *, longest: int) -> Timing:
        """Let so many pictures through, in no more than `longest` edges."""
        source = self.network.nodes[0].name
        left = {name: count * pictures for name, count in self.pixels.items()}
        found = Timing({name: [] for name in self.parts}, [], {})
        edge = 0
        while edge < longest and (len(found.answers) < pictures or any(left.values())):
            leaves, comes = self._wires()
            moved = [n for n, part in self.parts.items() if part.full and leaves[n]]
            if left[source] and leaves[source]:
                moved.append(source)
            if not moved and not any(comes.values()) and (quiet := self._quiet(leaves)) > 1:
                if quiet >= FOREVER:
                    raise RuntimeError(f"{self.network.name}: the stream stands still")
                for part in (*self.parts.values(), self.finder):
                    part.skip(quiet)
                edge += quiet
                continue
            edge += 1
            for name in moved:
                left[name] -= 1
                found.begins.setdefault(name, edge)
                if name != source and left[name] % self.pixels[name] == 0:
                    found.ends[name].append(edge)
            if self.finder.full:
                found.answers.append(edge)
            self._tick(set(moved), leaves, comes)
        return found

    def _wires(self) -> tuple[dict[str, bool], dict[str, bool]]:
        """Whether all that read a node are ready, and whether a join takes from its FIFOs."""
        leaves: dict[str, bool] = {}
        for name in self.backwards:
            leaves[name] = all(
                part.ready(leaves=bool(behind) and leaves[behind])
                for part, behind in self.takers[name]
            )
        comes = {
            name: self.parts[name].ready(leaves=leaves[name]) and all(fifo.full for fifo in fifos)
            for name, fifos in self.fifos.items()
        }
        return leaves, comes

    def _quiet(self, leaves: dict[str, bool]) -> int:
        edges = [part.quiet(leaves=leaves[name]) for name, part in self.parts.items()]
        edges += [fifo.quiet(leaves=False) for fifos in self.fifos.values() for fifo in fifos]
        return min(*edges, self.finder.quiet(leaves=False))

    def _tick(self, moved: set[str], leaves: dict[str, bool], comes: dict[str, bool]) -> None:
        arrives = {id(part): name in moved for name in self.takers for part, _ in self.takers[name]}
        for name, part in self.parts.items():
            joined = self.fifos.get(name)
            part.tick(comes=comes[name] if joined else arrives[id(part)], leaves=leaves[name])
            for fifo in joined or ():
                fifo.tick(comes=arrives[id(fifo)], leaves=comes[name])
        self.finder.tick(comes=arrives[id(self.finder)], leaves=False)


def _inputs(stage: Stage) -> list[tuple[int, Node]]:
    return list(enumerate(stage.sources))


def _part(stage: Stage) -> Part:
    if stage.window is not None:
        return Walk(stage)
    if isinstance(stage.work, Reshape):
        return Gearbox(stage.each, stage.node.shape[2] // stage.share)
    return Join(2 if isinstance(stage.work, Add) else 1)


def timing(
    network: Network, found: Sequence[Stage], *, pictures: int, longest: int = LONGEST
) -> Timing:
    """The first `pictures`, sent without a pause, as far as they get in `longest` edges."""
    return Flow(network, found).run(pictures, longest=longest)

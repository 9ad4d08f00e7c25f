"""Whether a pickle can be run in bounded time and memory, told without running it.

A pickle is a program for a stack machine. Here every instruction is walked over with a number in the place of each
object: how many objects have to be looked at to hash it. That is all that is needed to refuse what claims more memory
than its own size, and tuples in tuples that would overflow the stack of the process, or keep it busy for years, as
keys of a table. Lists and tables are no keys and count as one.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping

MAX_INSTRUCTIONS = 1_000_000
"""A tensor takes about 25; the largest checkpoints, with what was left over from their training, have 150,000."""

MAX_WEIGHT = 1000
"""Objects in one tuple, those in the tuples inside it included; a tensor has about twenty."""

_CUT_OFF, _TOO_LARGE = "its table of contents is cut off", "its table of contents is absurdly large"


def check_program(data: bytes, start: int = 0) -> int:
    """See that the pickle that begins at `start` is whole and bounded. Returns where it ends.

    Raises ValueError with the reason.
    """
    machine = _Machine(len(data))
    position = start
    for _ in range(MAX_INSTRUCTIONS):
        known = _OPERATIONS.get(data[position : position + 1])
        if known is None:
            raise ValueError(_CUT_OFF if position >= len(data) else "it is no pickle")
        position += 1
        length, effect = known
        if length < 0:
            position, argument = _argument(data, position, length)
        else:
            argument = data[position : position + length]
            position += length
        if position > len(data):
            raise ValueError(_CUT_OFF)
        if effect is None:
            return position
        try:
            effect(machine, argument)
        except LookupError as error:
            raise ValueError("its table of contents makes no sense") from error
    raise ValueError(_TOO_LARGE)


def _argument(data: bytes, position: int, length: int) -> tuple[int, bytes]:
    """Where an argument of a length of its own ends, and its text if it is a line."""
    if length in _LINES:
        end = position
        for _ in range(_LINES[length]):
            end = data.find(b"\n", end) + 1
            if not end:
                raise ValueError(_CUT_OFF)
        return end, data[position:end]
    width = _LENGTH_BYTES[length]
    size = int.from_bytes(data[position : position + width], "little", signed=length == _SIGNED)
    if size < 0:
        raise ValueError("it has a text of a negative length")
    return position + width + size, b""


class _Machine:
    """The stack, with the weight of each object instead of the object. A mark begins a stack of its own."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.stack: list[int] = []
        self.below: list[list[int]] = []
        self.memo: dict[int, int] = {}

    def push(self, weight: int) -> None:
        if weight > MAX_WEIGHT:
            raise ValueError("its table of contents is nested absurdly deep")
        self.stack.append(weight)

    def mark(self, _: bytes) -> None:
        self.below.append(self.stack)
        self.stack = []

    def marked(self) -> int:
        """Takes away everything above the mark, and tells how much it weighs."""
        weight = sum(self.stack)
        self.stack = self.below.pop()
        return weight

    def make_tuple(self, _: bytes) -> None:
        self.push(1 + self.marked())

    def make_container(self, _: bytes) -> None:
        self.marked()
        self.push(1)

    def pop(self, _: bytes) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.marked()

    def pop_mark(self, _: bytes) -> None:
        self.marked()

    def duplicate(self, _: bytes) -> None:
        self.push(self.stack[-1])

    def put(self, argument: bytes, *, is_text: bool = False) -> None:
        index = int(argument) if is_text else int.from_bytes(argument, "little")
        # The table is as long as its greatest index.
        if not 0 <= index <= self._size:
            raise ValueError("its table of references is absurd")
        self.memo[index] = self.stack[-1]

    def put_next(self, _: bytes) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, argument: bytes, *, is_text: bool = False) -> None:
        self.push(self.memo[int(argument) if is_text else int.from_bytes(argument, "little")])


_Effect = Callable[[_Machine, bytes], None]


def _nothing(machine: _Machine, _: bytes) -> None:
    del machine


def _leaf(machine: _Machine, _: bytes) -> None:
    machine.stack.append(1)


def _tuple_of(count: int) -> _Effect:
    """Makes one object of the last `count` ones."""

    def effect(machine: _Machine, _: bytes) -> None:
        machine.push(1 + sum([machine.stack.pop() for _each in range(count)]))

    return effect


def _into(count: int) -> _Effect:
    """Puts the last `count` objects into the one before them, which weighs no more for it."""

    def effect(machine: _Machine, _: bytes) -> None:
        for _each in range(count):
            machine.stack.pop()

    return effect


def _replaced(count: int) -> _Effect:
    """Takes the last `count` objects for a new one that does not hold them."""

    def effect(machine: _Machine, _: bytes) -> None:
        for _each in range(count):
            machine.stack.pop()
        machine.stack.append(1)

    return effect


_EFFECTS: Mapping[str, _Effect] = {
    "MARK": _Machine.mark,
    **dict.fromkeys(("TUPLE", "FROZENSET", "OBJ", "INST"), _Machine.make_tuple),
    **dict.fromkeys(("LIST", "DICT"), _Machine.make_container),
    **dict.fromkeys(("APPENDS", "SETITEMS", "ADDITEMS"), _Machine.pop_mark),
    **{"APPEND": _into(1), "SETITEM": _into(2), "BUILD": _into(1)},
    **{f"TUPLE{count}": _tuple_of(count) for count in (1, 2, 3)},
    # What a function makes of a tuple may be the tuple.
    **{"REDUCE": _tuple_of(2), "NEWOBJ": _tuple_of(2), "NEWOBJ_EX": _tuple_of(3)},
    **{"BINPERSID": _replaced(1), "STACK_GLOBAL": _replaced(2)},
    **{"POP": _Machine.pop, "POP_MARK": _Machine.pop_mark, "DUP": _Machine.duplicate},
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.get),
    "PUT": lambda machine, argument: machine.put(argument, is_text=True),
    "GET": lambda machine, argument: machine.get(argument, is_text=True),
    "MEMOIZE": _Machine.put_next,
    **dict.fromkeys(("PROTO", "FRAME", "READONLY_BUFFER"), _nothing),
}
"""What an instruction does to the stack; the others push a value that holds no other."""

_LINE, _TWO_LINES = pickletools.UP_TO_NEWLINE, -100
_LINES: Mapping[int, int] = {_LINE: 1, _TWO_LINES: 2}
_SIGNED = pickletools.TAKEN_FROM_ARGUMENT4
_LENGTH_BYTES: Mapping[int, int] = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def _length_of(operation: pickletools.OpcodeInfo) -> int:
    if operation.name in ("GLOBAL", "INST"):
        return _TWO_LINES
    return operation.arg.n if operation.arg is not None else 0


_OPERATIONS: Mapping[bytes, tuple[int, _Effect | None]] = {
    each.code.encode("latin-1"): (_length_of(each), None if each.name == "STOP" else _EFFECTS.get(each.name, _leaf))
    for each in pickletools.opcodes
}
"""Length of the argument (pickletools' negative numbers for one that says its own length), and what it does."""

"""Parks one thread in each kind of stack and prints, as READY, what Python itself says of them.

Expected stacks come from sys._current_frames(): leaf first, each frame as
[qualified name, file, first line, current line].
"""

import _thread
import json
import sys
import threading

PARKED = {}  # scenario name -> (native thread id, python thread id)
GATE = _thread.allocate_lock()
GATE.acquire()


def idle():
    return None


def nested(leaf):
    def middle():
        return inner()

    def inner():
        cell = leaf
        return (lambda: cell())()

    return middle()


class Shape:
    def __init__(self, leaf, at_birth=False):
        self.leaf = leaf
        if at_birth:
            leaf()

    @property
    def area(self):
        return self.leaf()

    @classmethod
    def build(cls, leaf):
        return cls(leaf, at_birth=True)

    @staticmethod
    def still(leaf):
        return leaf()

    def __getitem__(self, key):
        return self.leaf()

    def __enter__(self):
        return self.leaf()

    def __exit__(self, *exception):
        return None

    class Inner:
        def __lt__(self, other):
            return other.leaf() or False

        def __init__(self, leaf):
            self.leaf = leaf


def methods(leaf):
    return Shape(idle).still(lambda: Shape(leaf).area)


def birth(leaf):
    return Shape.build(leaf)


def item(leaf):
    return Shape(leaf)["key"]


def context(leaf):
    with Shape(leaf):
        return None


def reentry(leaf):
    return sorted([1], key=lambda _: max(map(lambda _: leaf() or 0, [1])))


def comparison(leaf):
    return sorted([Shape.Inner(leaf), Shape.Inner(leaf)])


def numbers(leaf):
    yield 1
    yield leaf() or 2


def delegating(leaf):
    yield from numbers(leaf)


def generators(leaf):
    total = 0
    for number in delegating(leaf):
        total += number
    return total


def expression(leaf):
    return sum(number for number in numbers(leaf))


async def awaited(leaf):
    return leaf()


async def awaiting(leaf):
    return [await awaited(leaf) for _ in range(1)]


def coroutines(leaf):
    try:
        awaiting(leaf).send(None)
    except StopIteration:
        return None


def deep(leaf):
    def down(depth):
        return down(depth - 1) if depth else leaf()

    return down(900)


def deep_through_c(leaf):
    def down(depth):
        return max(map(down, [depth - 1])) if depth else leaf() or 0

    return down(40)


def executed(leaf):
    source = "def made_up():\n    return leaf()\n\nmade_up()\n"
    exec(compile(source, "<stored procedure>", "exec"), {"leaf": leaf})


def class_body(leaf):
    class Body:
        value = leaf()

    return Body


def in_handler(leaf):
    try:
        raise ValueError
    except ValueError:
        return leaf()
    finally:
        idle()


def spelled(leaf):
    # latin-1, two-byte and four-byte names and files.
    for name, file in [("été", "/srv/café.py"), ("测试", "/srv/项目/主.py"), ("𐐀𐐨", "/srv/🔥.py")]:
        source = f"def {name}(leaf):\n\n    return leaf()\n"
        scope = {}
        exec(compile(source, file, "exec"), scope)
        leaf = (lambda function, inner: lambda: function(inner))(scope[name], leaf)
    return leaf()


def bare_file(leaf):
    source = "def undecodable(leaf):\n    return leaf()\n"
    scope = {}
    exec(compile(source, "x" * 5000, "exec"), scope)
    return scope["undecodable"](leaf)


SCENARIOS = [
    nested, methods, birth, item, context, reentry, comparison, generators, expression, coroutines, deep,
    deep_through_c, executed, class_body, in_handler, spelled, bare_file,
]  # fmt: skip


def start(scenario):
    parked = _thread.allocate_lock()
    parked.acquire()

    def park():
        parked.release(); GATE.acquire()  # noqa: E702 - one line, so that the line is sure

    def body():
        PARKED[scenario.__name__] = (threading.get_native_id(), threading.get_ident())
        for _ in range(64):  # until the interpreter has specialised the calls
            scenario(idle)
        scenario(park)

    _thread.start_new_thread(body, ())
    parked.acquire()


def described(frame):
    frames = []
    while frame is not None:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)  # before 3.11 code has its bare name only
        frames.append([name, code.co_filename, code.co_firstlineno, frame.f_lineno])
        frame = frame.f_back
    return frames


def threads():
    current = sys._current_frames()
    return {
        name: {"native": native, "ident": ident, "stack": described(current[ident])}
        for name, (native, ident) in PARKED.items()
    }


def serve():
    own = {"native": threading.get_native_id(), "ident": threading.get_ident()}
    print("READY", json.dumps({"threads": {**threads(), "main": {**own, "stack": described(sys._getframe())}}}), flush=True); GATE.acquire()  # noqa


for each in SCENARIOS:
    start(each)
serve()

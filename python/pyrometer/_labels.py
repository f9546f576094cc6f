"""Labels on parts of a program: ``with pyrometer.label(endpoint="/feed"): ...``.

A context variable holds an object that stands for all labels in force. The sampler reads that one
variable of the thread it samples, so entering a label costs a context variable and no call into the
agent, and labels follow threads, asyncio tasks and greenlets as context variables do: tasks that are
created inside have them too, threads of a plain pool have not.

Imported by the first use of ``pyrometer.label``; never by ``start()``.
"""

from __future__ import annotations

import inspect
from contextvars import ContextVar, Token
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from pyrometer import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Function = TypeVar("Function", bound=Callable[..., Any])

Pairs = tuple[tuple[str, str], ...]


class LabelSet:
    """Stands for a set of labels. One object per set, never freed: the agent knows it by its address."""

    __slots__ = ("pairs", "with_more")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.with_more: dict[Pairs, LabelSet] = {}


_VARIABLE: ContextVar[LabelSet] = ContextVar("pyrometer.labels")
_native.set_label_variable(_VARIABLE)
_NONE = LabelSet(())
_known: dict[Pairs, LabelSet] = {(): _NONE}
# Where everything goes once there are too many sets.
_OVERFLOW = (("labels", "(other)"),)


def _set_of(pairs: Pairs) -> LabelSet:
    """The object for a set, made when it is new. Beyond the agent's bound all share one."""
    found = _known.get(pairs)
    if found is None:
        made = LabelSet(pairs)
        if _native.add_label_set(made, list(pairs)):
            found = _known.setdefault(pairs, made)
        else:
            found = _known.get(_OVERFLOW, _NONE)
    return found


_set_of(_OVERFLOW)


def _joined(outer: LabelSet, more: Pairs) -> LabelSet:
    found = outer.with_more.get(more)
    if found is None:
        found = _set_of(tuple(sorted({**dict(outer.pairs), **dict(more)}.items())))
        if found.pairs != _OVERFLOW:
            outer.with_more[more] = found
    return found


class label:
    """Labels what runs inside: as a context manager, or as a decorator of a function.

    Args:
        **labels: Names and values, for example ``endpoint="/feed"``. Values are turned to text. Choose
            values of which there are few: all combinations of a process together are at most 1,024,
            and what comes later is labelled ``labels="(other)"``.

    Inner labels are added to outer ones and replace those of the same name. Decorates functions,
    coroutine functions and generator functions; a generator has the labels while it runs.

    Cost: about 0.5 µs to enter and leave; nothing without an agent but that.

    Example:
        >>> with label(endpoint="/feed"):
        ...     pass
    """

    __slots__ = ("_labels", "_tokens")

    def __init__(self, **labels: object) -> None:
        self._labels: Pairs = tuple(sorted((name, str(value)) for name, value in labels.items()))
        self._tokens: list[Token[LabelSet]] = []

    def __enter__(self) -> label:
        self._tokens.append(_VARIABLE.set(_joined(_VARIABLE.get(_NONE), self._labels)))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _VARIABLE.reset(self._tokens.pop())
        except (LookupError, RuntimeError, ValueError):
            # Left in another context than it was entered in, as by a generator that another task
            # ends. That context ends by itself, and labels with it.
            pass

    def __call__(self, function: Function) -> Function:
        """Decorates ``function``: each call has labels of its own, so tasks do not disturb another."""
        labels = dict(self._labels)

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def labelled(*args: Any, **kwargs: Any) -> Any:
                with label(**labels):
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):
            raise TypeError(
                "pyrometer.label cannot decorate an async generator function; use `with` around its use"
            )
        elif inspect.isgeneratorfunction(function):

            @wraps(function)
            def labelled(*args: Any, **kwargs: Any) -> Any:
                return (yield from _steps(function(*args, **kwargs), labels))

        else:

            @wraps(function)
            def labelled(*args: Any, **kwargs: Any) -> Any:
                with label(**labels):
                    return function(*args, **kwargs)

        return labelled  # type: ignore[return-value]


def _steps(generator: Generator[Any, Any, Any], labels: dict[str, str]) -> Generator[Any, Any, Any]:
    """Runs each step of a generator with the labels, and what its user does between them without."""
    step: Callable[[], Any] = generator.__next__
    while True:
        try:
            with label(**labels):
                item = step()
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            generator.close()
            raise
        except BaseException as error:
            step = partial(generator.throw, error)
        else:
            step = partial(generator.send, sent)

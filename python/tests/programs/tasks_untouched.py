"""Looks at everything of asyncio that a program may look at, with the agent running.

Prints one line of JSON: what was not as it should be.
"""

from __future__ import annotations

import asyncio.tasks
import gc
import json
import sys
import weakref

import pyrometer

wrong = []


def expect(what: str, is_so: bool) -> None:
    if not is_so:
        wrong.append(what)


async def main() -> None:
    loop = asyncio.get_running_loop()
    expect("no task factory", loop.get_task_factory() is None)

    async def child() -> str:
        return asyncio.current_task().get_name()

    task = asyncio.create_task(child(), name="named")
    expect("class", type(task) is asyncio.Task and type(task).__module__ == "_asyncio")
    expect("all tasks", asyncio.all_tasks() == {task, asyncio.current_task()})
    expect("result", await task == "named")
    expect("all tasks after", asyncio.all_tasks() == {asyncio.current_task()})
    gone = weakref.ref(task)
    del task
    await asyncio.sleep(0)
    gc.collect()
    expect("a finished task is freed", gone() is None)
    try:
        asyncio.Task("no coroutine")
    except TypeError:
        pass
    else:
        expect("a bad task raises", False)


class Own(asyncio.Task):
    """A task class of the program's."""


def factory(loop, coroutine, **options):
    return Own(coroutine, loop=loop, **options)


async def with_a_factory() -> None:
    asyncio.get_running_loop().set_task_factory(factory)

    async def child() -> bool:
        return type(asyncio.current_task()) is Own

    expect("own class", await asyncio.create_task(child()))


async def in_python(make) -> None:
    """Tasks written in Python lie in memory otherwise; they must pass through unharmed."""

    async def child() -> int:
        await asyncio.sleep(0)
        return 7

    expect("task in Python", await make(child(), loop=asyncio.get_running_loop()) == 7)


registry = getattr(asyncio.tasks, "_scheduled_tasks", None)
if registry is None:
    registry = asyncio.tasks._all_tasks
before = registry.add
agent = pyrometer.start()
asyncio.run(main())
asyncio.run(with_a_factory())
asyncio.run(in_python(asyncio.tasks._PyTask))
expect("no module of ours imported", "pyrometer.tasks" not in sys.modules)
agent.stop()
expect("nothing left in the registry", "add" not in vars(registry) and registry.add == before)
expect(
    "nothing left among the finders", all("pyrometer" not in type(one).__module__ for one in sys.meta_path)
)
print(json.dumps({"wrong": wrong}), flush=True)
sys.stdin.read()

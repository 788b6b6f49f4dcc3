import asyncio

from libvirt_webrtc.agent.latest import LatestValue


async def collect(newest: LatestValue[int], into: list[int]) -> None:
    async for value in newest.values():
        into.append(value)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_followers_see_the_present_value_and_then_changes() -> None:
    newest, seen = LatestValue(1), list[list[int]]()
    seen += [[], []]
    followers = [asyncio.create_task(collect(newest, each)) for each in seen]
    await turns()
    newest.set(2)
    await turns()
    newest.set(2)
    await turns()
    newest.set(3)
    await turns()
    newest.close()
    await asyncio.gather(*followers)
    assert seen == [[1, 2, 3], [1, 2, 3]]
    assert newest.value == 3


async def test_a_slow_follower_misses_what_is_old() -> None:
    newest = LatestValue(0)
    values = newest.values()
    assert await anext(values) == 0
    for value in range(1, 10):
        newest.set(value)
    assert await anext(values) == 9
    newest.close()
    assert [value async for value in values] == []


async def test_a_change_while_a_follower_is_busy_is_not_lost() -> None:
    newest, seen = LatestValue(0), list[int]()
    async for value in newest.values():
        seen.append(value)
        if value < 5:
            newest.set(value + 1)
            await asyncio.sleep(0)
        else:
            newest.close()
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_after_close_values_end_and_set_is_harmless() -> None:
    newest = LatestValue(0)
    newest.close()
    newest.close()
    newest.set(1)
    assert [value async for value in newest.values()] == []

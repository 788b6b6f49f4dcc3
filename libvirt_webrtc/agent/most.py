"""Who has most: where there are too many of something, it is theirs that makes room."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def of_most(items: Iterable[Item], *owners: Callable[[Item], Hashable]) -> list[Item]:
    """Those items whose owner has most of them; of these those whose next kind of owner has most of them, and so on.

    Of several that have equally many, the items of all of them. The order is kept.
    """
    found = list(items)
    for owner_of in owners:
        numbers = Counter(map(owner_of, found))
        most = max(numbers.values(), default=0)
        found = [item for item in found if numbers[owner_of(item)] == most]
    return found

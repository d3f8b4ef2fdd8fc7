"""The bounded store: budget, age, names."""

import threading

import pytest

from models import store as module
from models.errors import InputError
from models.store import Store


def made(budget=100, **options):
    store = Store("test", budget, size=len, gone="It is gone: run it again.", **options)
    module.STORES.remove(store)
    return store


def test_what_was_not_asked_for_longest_goes_first():
    store = made(100)
    first, second = store.put(b"a" * 40), store.put(b"b" * 40)
    store.find(first)
    store.put(b"c" * 40)
    assert first in store
    assert second not in store
    assert store.bytes == 80
    with pytest.raises(InputError, match="gone"):
        store.find(second)


def test_the_newest_stays_even_if_it_is_too_large_alone():
    store = made(10)
    store.put(b"a")
    name = store.put(b"b" * 500)
    assert store.find(name) == b"b" * 500
    assert len(store) == 1


def test_a_name_can_be_given_and_replaced():
    store = made()
    store.put(b"old", "mine")
    store.put(b"newer", "mine")
    assert store.find("mine") == b"newer"
    assert store.bytes == 5
    store.discard("mine")
    store.discard("mine")
    assert "mine" not in store


@pytest.mark.parametrize("name", [None, 3, "", "x", ["a"], {"a": 1}])
def test_what_is_no_name_is_not_found(name):
    with pytest.raises(InputError):
        made().find(name)


def test_old_values_go(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    store = made(max_age=60)
    name = store.put(b"x")
    now[0] = 59
    store.find(name)
    now[0] = 118
    assert name in store
    now[0] = 119.5
    store.sweep()
    assert len(store) == 0


def test_all_stores_together_stay_under_one_budget_and_the_oldest_of_any_goes(monkeypatch):
    monkeypatch.setattr(module, "STORES", [])
    monkeypatch.setattr(module, "SMALL_BYTES", 10)
    monkeypatch.setattr(module.memory, "KEPT_BYTES", 100)
    one, other, wishes = (Store(title, 1000, size=len, gone="It is gone.") for title in ("one", "other", "wishes"))
    wish = wishes.put(b"w" * 5)
    first, second = one.put(b"a" * 40), other.put(b"b" * 40)
    one.find(first)
    third = other.put(b"c" * 40)
    assert (first in one, second in other, third in other) == (True, False, True)
    huge = other.put(b"d" * 500)
    assert huge in other
    assert len(one) == 0
    assert len(other) == 1
    assert wish in wishes, "a small store gives nothing up for others"
    assert module.kept_bytes() == 505


def test_every_store_is_swept_also_those_that_nobody_asks(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "STORES", [])
    store = Store("test", 100, size=len, gone="It is gone.", max_age=60)
    store.put(b"x")
    now[0] = 61
    module.sweep_all()
    assert module.kept_bytes() == 0


def test_many_threads_stay_under_the_budget():
    store = made(1000)
    threads = [threading.Thread(target=lambda: [store.put(b"x" * 90) for _ in range(200)]) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert store.bytes <= 1000

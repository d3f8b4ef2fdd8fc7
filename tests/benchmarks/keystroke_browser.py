"""What a keystroke at 256 characters costs the browser's main thread (run this file; Chromium is needed).

Chromium's own sums of task time (`Performance.getMetrics`; processor time of the thread, so that a busy machine does
not count): typing `KEYSTROKES` characters, one every `EVERY` seconds, less the same time without typing. Beside it the
same page where every key is an event of Gradio's, as any other component sends it, in turn in the same run.
With `--profile` also which functions the time goes to, with `--trace` which of the browser's tasks (layout, paint ...).
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.rows import Row
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, COUNTER, running_app, settled

LENGTH, KEYSTROKES, EVERY = 256, 15, 0.4
TEXT = ("It was late when the old captain came home, and nobody had waited for him but the dog. " * 4)[:LENGTH]
SUMS = ("TaskDuration", "ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
BOX = "#sequences-text textarea"
ROUNDS = 3
BY_EVENT = """(on) => {
  window.plain ??= window.fetch;
  const refused = () => Promise.reject(new Error("past events nothing is answered"));
  window.fetch = (...asked) => (on && String(asked[0]).includes("component_server") ? refused() : plain(...asked));
}"""
"""A script that refuses what goes past Gradio's events: the page then sends an event (`pieces/typed_reading.js`)."""


def sums(session):
    """Milliseconds since the page began, by name."""
    metrics = {m["name"]: 1000 * m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return {name: metrics[name] for name in SUMS}


def spent(session, act):
    """Milliseconds by name while `act` is done `KEYSTROKES` times, `EVERY` seconds each."""
    before = sums(session)
    for number in range(KEYSTROKES):
        started = time.monotonic()
        act(number)
        time.sleep(max(0, EVERY - (time.monotonic() - started)))
    return {name: value - before[name] for name, value in sums(session).items()}


def functions(profile):
    """Milliseconds of each function itself, by name and place."""
    nodes = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    times = Counter()
    for node, microseconds in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = nodes[node]
        times[f"{frame['functionName']} {frame['url'].rsplit('/', 1)[-1]}:{frame['lineNumber'] + 1}"] += microseconds
    return [(name, spent / 1000) for name, spent in times.most_common(40)]


def tasks(trace):
    """Milliseconds of processor time of each kind of task itself on the page's main thread, the longest first."""
    events = [e for e in trace["traceEvents"] if e.get("ph") == "X" and "tdur" in e]
    busiest = Counter()
    for event in events:
        if event["name"] == "RunTask" or event["name"].endswith("RunTask"):
            busiest[event["pid"], event["tid"]] += event["tdur"]
    mains = {
        (e["pid"], e["tid"])
        for e in trace["traceEvents"]
        if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain"
    }
    thread = max(mains, key=lambda place: busiest[place])
    times, open_ = Counter(), []
    for event in sorted((e for e in events if (e["pid"], e["tid"]) == thread), key=lambda e: (e["tts"], -e["tdur"])):
        while open_ and event["tts"] >= open_[-1]["tts"] + open_[-1]["tdur"]:
            open_.pop()
        if open_:
            times[open_[-1]["name"]] -= event["tdur"]
        times[event["name"]] += event["tdur"]
        open_.append(event)
    return [(name, spent / 1000) for name, spent in times.most_common(25)]


def rows() -> Iterator[Row]:
    """Milliseconds of the browser's main thread, processor time."""
    past, by_event = main(rounds=ROUNDS)
    yield Row(f"a character typed at {LENGTH}, main thread", past, "the same as an event of Gradio's", by_event)


def main(profiled=False, traced=False, rounds=1):
    """Type, print milliseconds a keystroke, and give them: past Gradio's events, and by them, one number a round."""
    with running_app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(path=COUNTER)
        page.goto(f"{url}/?tab=sequences")
        page.locator("#page-sequences-next[data-opened=true]").wait_for(timeout=60_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        found = [], []
        for number in range(2 * rounds):
            found[number % 2].append(keystroke(page, session, by_event=bool(number % 2))["TaskDuration"])
        if profiled or traced:
            explain(browser, page, session, profiled, traced)
        browser.close()
    return tuple(map(tuple, found))


def keystroke(page, session, by_event):
    """Milliseconds of one key by name, less those of a page at rest."""
    page.evaluate(BY_EVENT, by_event)
    begin(page)
    idle = spent(session, lambda _: None)
    typing = spent(session, lambda number: page.keyboard.type(TEXT[LENGTH - KEYSTROKES + number]))
    each = {name: round((typing[name] - idle[name]) / KEYSTROKES, 1) for name in SUMS}
    print("by an event" if by_event else "past events", each, flush=True)
    return each


def begin(page):
    """The text before the keys that count, read and drawn, with the caret at its end."""
    page.locator(BOX).fill(TEXT[: LENGTH - KEYSTROKES])
    page.get_by_text(f"{LENGTH - KEYSTROKES} characters, ").wait_for(timeout=60_000)
    settled(page)
    page.locator(BOX).press("Control+End")


def explain(browser, page, session, profiled, traced):
    """Type once more, and print where the time goes."""
    page.evaluate(BY_EVENT, False)
    begin(page)
    if profiled:
        session.send("Profiler.enable")
        session.send("Profiler.start")
    if traced:
        categories = ["devtools.timeline", "toplevel", "disabled-by-default-devtools.timeline"]
        browser.start_tracing(page=page, categories=categories)
    spent(session, lambda number: page.keyboard.type(TEXT[LENGTH - KEYSTROKES + number]))
    found = functions(session.send("Profiler.stop")["profile"]) if profiled else []
    found += tasks(json.loads(browser.stop_tracing())) if traced else []
    for name, milliseconds in found:
        print(f"{milliseconds / KEYSTROKES:7.2f} {name}")


if __name__ == "__main__":
    main("--profile" in sys.argv, "--trace" in sys.argv)

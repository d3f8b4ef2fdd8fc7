"""Computing on replicas, without Ray: what travels, who owns what visitors make, which failures are which sentences."""

import asyncio
import multiprocessing
import pickle
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

from models import compute as seam
from models import stops
from models.compute import LocalEngine, batched, compute, using
from models.errors import EngineError, InputError, WeightsError
from models.serving import engine as module
from models.serving import messages, sentences
from models.serving.belongings import belongings_of, names_in
from models.serving.cluster import Cluster, Looks, RayLine, engine_for, reason, why_absent
from models.serving.engine import ServingEngine
from models.serving.plan import Deployment, concept_of, deployment_of, fits, needs_of, read_plan
from models.serving.replica import Replica
from models.serving.sentences import NoReplicaError
from models.store import STORES, Store

KEPT: Store[list] = Store("own things", 1000, size=len, gone="Your thing is no longer kept.", travels=True)
CLOSED = threading.Event()
SIZES = []


@pytest.fixture(autouse=True, scope="module")
def only_here():
    yield
    STORES.remove(KEPT)


@dataclass(frozen=True)
class Asked:
    names: tuple[str, ...]


@compute
def add_one(array):
    array += 1
    return array


@compute
def double(number, times=2):
    if number < 0:
        raise InputError("a sentence")
    return number * times


@batched(double)
def double_all(calls):
    SIZES.append(len(calls))
    return [double(*call) for call in calls]


@compute
def add_two(model):
    return [model, 2]


@compute
def refuse(kind):
    raise {"input": InputError, "weights": WeightsError, "defect": KeyError}[kind]("a sentence")


@compute
def read_kept(asked):
    return sum(len(KEPT.find(name)) for name in asked.names)


@compute
def keep_as(name, value):
    KEPT.put(value, name)


@compute(heavy=True)
def make(name, count):
    for step in range(count):
        yield step
        if stops.asked(name):
            break
    KEPT.put(list(range(step + 1)), name)


@compute
def endless():
    try:
        while True:
            time.sleep(0.01)
            yield 1
    finally:
        CLOSED.set()


@compute(stays=True)
def where():
    return threading.get_ident()


class Apart:
    """The line to a replica in a process of its own, with stores of its own."""

    def __init__(self):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=_answer_all, args=(other,), daemon=True)
        self.process.start()
        self.asked = 0

    def ask(self, data):
        self.asked += 1
        self.pipe.send_bytes(data)
        assert self.pipe.poll(60)
        return self.pipe.recv_bytes()


def _answer_all(pipe):
    replica = Replica(4)
    while True:
        pipe.send_bytes(asyncio.run(replica.answer(pipe.recv_bytes())))


@pytest.fixture
def apart(monkeypatch):
    monkeypatch.setattr(module, "concept_of", lambda _: "vit")
    line = Apart()
    made = ServingEngine(lambda: {"vit": line})
    with using(made):
        yield line
    stops.LISTENERS.remove(made._wish)
    line.process.kill()


class Loop:
    """The line to a replica in a thread of this process, whose stores are this process's."""

    def __init__(self, replica):
        self.replica, self.loop, self.asked = replica, asyncio.new_event_loop(), 0
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def ask(self, data):
        self.asked += 1
        return self._run(self.replica.answer(data))

    def stream(self, data):
        self.asked += 1
        steps = self.replica.stream(data)
        try:
            while (step := self._run(anext(steps, None))) is not None:
                yield step
        finally:
            self._run(steps.aclose())

    def tell(self, name):
        pass  # one process: the wish is known


@pytest.fixture
def line(monkeypatch):
    monkeypatch.setattr(module, "concept_of", lambda _: "vit")
    return Loop(Replica(4))


@pytest.fixture
def engine(line):
    made = ServingEngine(lambda: {"vit": line})
    with using(made):
        yield made
    stops.LISTENERS.remove(made._wish)


def test_arguments_and_results_are_copies_that_may_be_written(engine, line):
    array = np.zeros(3)
    result = add_one(array)
    result += 1
    assert result.tolist() == [2, 2, 2]
    assert array.tolist() == [0, 0, 0]
    assert line.asked == 1


@pytest.mark.parametrize(("kind", "error"), [("input", InputError), ("weights", WeightsError), ("defect", KeyError)])
def test_sentences_and_defects_come_back_as_what_they_are(engine, kind, error):
    with pytest.raises(error, match="a sentence"):
        refuse(kind)


def test_what_works_on_what_a_page_looks_at_stays(engine, line):
    assert where() == threading.get_ident()
    assert line.asked == 0


def test_what_is_of_no_concept_or_has_no_line_is_computed_here(engine, line, monkeypatch):
    monkeypatch.setattr(module, "concept_of", lambda _: None)
    assert add_one(np.zeros(1)).tolist() == [1]
    monkeypatch.setattr(module, "concept_of", lambda _: "diffusion")
    assert add_one(np.zeros(1)).tolist() == [1]
    assert line.asked == 0


def test_a_replica_asks_for_what_it_lacks_once_and_owns_nothing(apart):
    names = KEPT.put([1, 2]), KEPT.put([3])
    assert read_kept(Asked(names)) == 3
    assert apart.asked == 2
    assert read_kept(Asked(names)) == 3
    assert apart.asked == 3
    KEPT.put([1, 2, 3], names[0])
    assert read_kept(Asked(names)) == 4
    assert apart.asked == 5, "another version is sent"
    keep_as("made-0", [1])
    assert KEPT.find("made-0") == [1], "what was made there is owned here"
    KEPT.discard("made-0")
    assert read_kept(Asked(names)) == 4
    assert apart.asked == 7


@pytest.mark.parametrize(("numbers", "sizes"), [((1, 2, 3), [3]), ((1, -2, 3), [3]), ((4,), [])])
def test_a_batch_answers_each_and_a_bad_one_alone_is_refused(numbers, sizes):
    SIZES.clear()
    requests = [messages.Request(f"{__name__}.double", (number,), {}) for number in numbers]
    answers = [messages.unpacked(data) for data in Replica(4)._answer_all(requests)]
    assert sizes == SIZES
    assert [getattr(answer, "value", None) for answer in answers] == [2 * n if n > 0 else None for n in numbers]
    assert all(str(answer.error) == "a sentence" for answer in answers if isinstance(answer, messages.Refused))


def test_what_is_no_longer_kept_is_the_sentence_of_its_store(engine):
    with pytest.raises(InputError, match="no longer kept"):
        read_kept(Asked(("unknown",)))


def test_what_a_call_has_made_comes_back(engine, line):
    assert list(make("made-1", 3)) == [0, 1, 2]
    made = messages.unpacked(line._run(line.replica.answer(_packed(read_kept, Asked(("made-1",))))))
    assert made.value == 3
    assert KEPT.find("made-1") == [0, 1, 2]


def _packed(function, *arguments):
    return messages.packed(messages.Request(f"{__name__}.{function.__name__}", arguments, {}))


def test_a_wish_ends_a_job_and_keeps_what_it_has(engine):
    steps = make("made-2", 10**6)
    next(steps)
    stops.ask("made-2")
    assert len(list(steps)) < 50
    assert "made-2" in KEPT
    stops.forget("made-2")


def test_a_wish_is_passed_on_only_where_its_job_runs(engine, line, monkeypatch):
    told = []
    monkeypatch.setattr(line, "tell", told.append)
    steps = make("made-3", 10**6)
    next(steps)
    stops.ask("another")
    stops.ask("made-3")
    list(steps)
    stops.ask("made-3")
    assert told == ["made-3"]
    stops.forget("made-3")
    stops.forget("another")


def test_closing_a_stream_ends_the_work(engine):
    CLOSED.clear()
    steps = endless()
    next(steps)
    steps.close()
    assert CLOSED.wait(5)
    assert not seam.COMPUTING[f"{__name__}.endless"]


def test_a_result_that_is_too_large_is_refused(engine, monkeypatch):
    data = messages.packed(messages.Result(np.zeros(1000)), limit=100)
    assert str(messages.unpacked(data).error) == messages.TOO_LARGE
    with pytest.raises(EngineError, match="too large"):
        messages.packed(messages.Request("x", (np.zeros(1000),), {}), limit=100)


class Broken:
    """A line on which a replica of this kind is lost, after so many answers."""

    def __init__(self, error, after=0, times=10):
        self.error, self.after, self.times = error, after, times

    def ask(self, data):
        if self.times:
            self.times -= 1
            raise self.error
        return messages.packed(messages.Result("from another replica"))

    def stream(self, data):
        for step in range(self.after):
            yield messages.packed(messages.Result(step))
        if self.error:
            raise self.error


def failure(name, base=Exception):
    return type(name, (base,), {})("details for the operator")


BASES = {"OutOfMemoryError": "NO_MEMORY", "BackPressureError": "BUSY", "TimeoutError": "LATE", "RpcError": "AWAY"}


@pytest.mark.parametrize(("name", "sentence"), [*BASES.items(), ("ActorDiedError", "LOST"), ("NodeDiedError", "LOST")])
def test_each_failure_is_one_sentence_and_a_line_in_the_log(monkeypatch, caplog, name, sentence):
    monkeypatch.setattr(module, "concept_of", lambda _: "vit")
    with (
        using(ServingEngine(lambda: {"vit": Broken(failure(name))})),
        pytest.raises(EngineError, match=getattr(sentences, sentence)[:30]),
    ):
        add_one(np.zeros(1))
    assert name in caplog.text
    assert "details for the operator" in caplog.text


def test_only_what_ray_ended_for_its_memory_is_said_to_have_run_out_of_it():
    died = type("ActorDiedError", (Exception,), {})
    assert (
        sentences.sentence_of(died("Common causes: killed by the OOM killer due to high memory usage"))
        == sentences.LOST
    )
    assert sentences.sentence_of(died("killed due to the node running low on memory.")) == sentences.NO_MEMORY


def test_what_a_function_itself_raised_is_a_defect():
    class RayTaskError(Exception):
        pass

    assert sentences.sentence_of(type("Both", (RayTaskError, TimeoutError), {})()) is None
    assert sentences.sentence_of(KeyError("x")) is None


def test_a_call_whose_replica_is_lost_is_made_again_and_a_stream_is_not(monkeypatch):
    monkeypatch.setattr(module, "concept_of", lambda _: "vit")
    lost = failure("ActorDiedError")
    once = Broken(lost, times=1)
    with using(ServingEngine(lambda: {"vit": once})):
        assert add_one(np.zeros(1)) == "from another replica"
    with using(ServingEngine(lambda: {"vit": Broken(lost, after=2)})):
        steps = make("made-4", 5)
    assert [next(steps), next(steps)] == [0, 1]
    with pytest.raises(EngineError, match="has gone"):
        next(steps)


def test_a_stream_that_ends_without_saying_so_is_no_result(monkeypatch):
    monkeypatch.setattr(module, "concept_of", lambda _: "vit")
    with using(ServingEngine(lambda: {"vit": Broken(None, after=1)})):
        steps = make("made-5", 5)
    assert next(steps) == 0
    with pytest.raises(EngineError, match="do not answer"):
        next(steps)


def test_names_are_found_wherever_arguments_hold_them():
    found = set(names_in((("a", ["b"]), {"key": "c"}, Asked(("d",)), 3, np.zeros(2), "x" * 1000)))
    assert found == {"a", "b", "c", "d"}
    name = KEPT.put([1])
    (known,) = belongings_of((Asked((name,)),))
    assert (known.store, known.name, known.value) == ("own things", name, None)


@pytest.mark.parametrize(
    ("task", "concept"),
    [("models.vit.trace.trace_picture", "vit"), ("models.text.x.y", None), ("tests.unit.z", None)],
)
def test_the_concept_of_a_task(task, concept):
    assert concept_of(task) == concept


def test_every_task_of_a_concept_has_a_deployment():
    from models.attention.runs import trace_text  # noqa: F401
    from models.diffusion.sprites import denoise_entry  # noqa: F401

    concepts = {concept_of(name) for name in seam.TASKS if name.startswith("models.")}
    assert concepts <= set(read_plan())


def test_a_plan_says_what_differs(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"vit": {"replicas": 2, "most": 4, "gpus": 0.5}}')
    plan = read_plan(path)
    assert plan["vit"] == Deployment(replicas=2, most=4, gpus=0.5)
    assert plan["attention"] == Deployment()


def test_a_model_that_the_plan_names_has_replicas_of_its_own(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"diffusion/sdxl-turbo": {"replicas": 0, "gpus": 1, "memory_gb": 12, "mark": "large"}}')
    plan = read_plan(path)
    assert set(plan) == {"sequences", "attention", "vit", "detection", "diffusion", "diffusion/sdxl-turbo"}
    needs = needs_of("diffusion/sdxl-turbo", plan["diffusion/sdxl-turbo"])
    assert needs == {"GPU": 1, "memory": 12 * 2**30, "large": 0.001}
    node = {"CPU": 8, "GPU": 1, "memory": 16 * 2**30, "large": 1}
    assert fits(needs, node)
    assert not any(fits(needs, node | {name: 0}) for name in needs)
    assert not fits(needs, {"CPU": 8})
    assert needs_of("diffusion", plan["diffusion"]) == {}, "concepts reserve what they are told to, no memory"


@pytest.mark.parametrize(
    ("concept", "names", "found"),
    [
        ("diffusion", ["a cat", "sdxl-turbo"], "diffusion/sdxl-turbo"),
        ("diffusion", ["sd-turbo"], "diffusion"),
        ("attention", ["sdxl-turbo"], "attention"),
        ("attention", [], "attention"),
        (None, ["sdxl-turbo"], None),
    ],
)
def test_a_call_goes_to_the_replicas_of_the_model_that_it_names(concept, names, found):
    assert deployment_of(concept, names, {"diffusion", "diffusion/sdxl-turbo", "attention"}) == found


def test_calls_and_wishes_go_to_the_model_wherever_arguments_name_it(engine, line, monkeypatch):
    own = Loop(Replica(4))
    monkeypatch.setattr(engine, "_lines", lambda: {"vit": line, "vit/own-model": own})
    told = []
    monkeypatch.setattr(own, "tell", told.append)
    assert (keep_as("own-model", [1]), own.asked, line.asked) == (None, 1, 0)
    assert read_kept(Asked(("own-model",))) == 1
    assert (own.asked, line.asked) == (3, 0), "once more with the value"
    steps = make("own-model", 10**6)
    next(steps)
    stops.ask("own-model")
    list(steps)
    assert told == ["own-model"]
    assert double(2) == 4
    assert line.asked == 1
    stops.forget("own-model")


class Waiting:
    """A handle of Serve whose replicas do not come."""

    def __init__(self, error=TimeoutError):
        self.error, self.cancelled = error, threading.Event()
        self.answer = self.stream = self

    def options(self, **_):
        return self

    def remote(self, _):
        return self

    def result(self, timeout_s):
        raise self.error

    def __next__(self):
        assert self.cancelled.wait(5)
        raise failure("RequestCancelledError")

    def cancel(self):
        self.cancelled.set()


def test_who_waits_for_a_model_whose_node_has_left_is_answered_by_its_concept(engine, line, monkeypatch, caplog):
    monkeypatch.setattr("models.serving.cluster.LOOK_SECONDS", 0.02)
    own = RayLine(Waiting())
    lines = {"vit": line, "vit/far-model": own}

    def known():
        if own.absent:
            lines.pop("vit/far-model", None)
        return lines

    monkeypatch.setattr(engine, "_lines", known)
    threading.Timer(0.2, lambda: setattr(own, "absent", True)).start()
    assert list(add_two("far-model")) == ["far-model", 2]
    assert line.asked == 1
    assert own._handle.cancelled.is_set()
    assert "asked again" in caplog.text
    with pytest.raises(NoReplicaError):
        next(own.stream(b""))


@pytest.mark.parametrize(("kind", "cancelled"), [("TimeoutError", True), ("RayTaskError", False)])
def test_a_call_is_given_up_in_the_end_and_a_function_may_time_out_itself(monkeypatch, kind, cancelled):
    monkeypatch.setattr("models.serving.cluster.ANSWER_SECONDS", 0.05)
    line = RayLine(Waiting(failure(kind, TimeoutError)))
    with pytest.raises(TimeoutError):
        line.ask(b"")
    assert line._handle.cancelled.is_set() == cancelled


@dataclass
class Told:
    """As Serve tells of an application, or of a deployment in it."""

    status: str = "RUNNING"
    message: str = ""
    deployments: dict | None = None
    replica_states: dict | None = None


@pytest.mark.parametrize(
    ("status", "states", "message", "absent"),
    [
        ("RUNNING", {"RUNNING": 1}, "", False),
        ("RUNNING", {}, "", False),
        ("RUNNING", {"STARTING": 1}, "", False),
        ("RUNNING", {"STARTING": 1}, "1 replicas that have taken more than 30s\nmore", True),
        ("RUNNING", {"RUNNING": 1, "STARTING": 1}, "1 replicas that have taken more than 30s", False),
        ("DEPLOYING", {"STARTING": 1}, "", True),
        ("DEPLOY_FAILED", {}, "", True),
    ],
)
def test_a_model_whose_replicas_find_no_node_is_computed_by_its_concept(status, states, message, absent):
    why = why_absent(Told(status, deployments={"one": Told(message=message, replica_states=states)}))
    assert bool(why) == absent
    assert "\n" not in why


def test_looking_for_deployments_never_waits():
    answers, may = [LookupError("none"), RuntimeError("away"), {"vit": 1}], threading.Event()

    def look():
        may.wait(5)
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    looks = Looks(look)
    assert looks.latest() is None
    may.set()
    found = [_until_done(looks) for _ in range(2)]
    assert found == [{"vit": 1}, None]
    with pytest.raises(LookupError):
        _until_done(looks)


def _until_done(looks):
    looks._found.exception(5)
    return looks.latest()


@pytest.mark.parametrize(
    "text",
    [
        '{"cats": {}}',
        '{"vit/gpt2": {}}',
        '{"diffusion/sdxl": {}}',
        '{"diffusion/sdxl-turbo": {"replicas": 0, "most": 0}}',
        '{"vit": {"mark": 3}}',
        "[]",
        '{"vit": 3}',
        '{"vit": {"replicas": "two"}}',
        '{"vit": {"replicas": 0}}',
        '{"vit": {"x": 1}}',
    ],
)
def test_a_plan_that_cannot_be_is_one_sentence(tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"\.$"):
        read_plan(path)


def test_an_engine_of_another_name_or_without_ray_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="no engine"):
        engine_for("dask")
    for address in ("ray:head", "ray:http://head:1", "ray:head:x", "ray:a b:1"):
        with pytest.raises(ValueError, match="is no HOST:PORT"):
            engine_for(address)
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ValueError, match=r"requirements-scale\.txt"):
        engine_for("ray")


def test_a_cluster_that_does_not_answer_is_a_line_in_the_log_and_pages_go_on(monkeypatch, caplog):
    def away(_):
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr("models.serving.cluster.join", away)
    cluster = Cluster("10.0.0.1:6379")
    assert cluster.lines() == {}
    assert "does not answer" in caplog.text
    assert "Computing here meanwhile." in caplog.text
    with using(ServingEngine(cluster.lines)):
        assert add_one(np.zeros(1)).tolist() == [1]
    cluster.leave()


def test_a_cluster_that_says_nothing_holds_up_only_the_first_clicks(monkeypatch, caplog):
    answered = threading.Event()
    monkeypatch.setattr("models.serving.cluster.FIRST_SECONDS", 0.2)
    monkeypatch.setattr("models.serving.cluster.join", lambda _: answered.wait(20))
    cluster = Cluster("10.0.0.1:6379")
    assert [cluster.lines() for _ in range(3)] == [{}, {}, {}]
    assert caplog.text.count("has not answered") == 1
    cluster.leave()
    answered.set()


def test_another_version_of_ray_is_said_in_one_line():
    error = RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9.0\n ...")
    assert "another version of Ray" in reason(error, "head:6379")
    assert "Ray: 2.9.0" in reason(error, "head:6379")
    assert "\n" not in reason(error, "head:6379")


def test_failures_can_travel():
    for kind in (InputError, WeightsError, EngineError):
        copy = pickle.loads(pickle.dumps(kind("a sentence")))
        assert (type(copy), str(copy)) == (kind, "a sentence")


def test_the_engine_of_the_process_can_be_chosen_once_at_the_start(monkeypatch):
    assert isinstance(seam.own_engine(), LocalEngine)
    monkeypatch.setattr(seam, "_own", seam._own)
    other = ServingEngine(dict)
    seam.choose(other)
    assert seam.own_engine() is other
    stops.LISTENERS.remove(other._wish)

"""The shared parts of the recipes."""

import ast
import json
from pathlib import Path

import pytest
import torch

from models import runtime
from models.muon import Muon, orthogonalise
from models.training import Ema, Trainer, Trapezoid, follow, load_checkpoint, save_checkpoint


def test_trapezoid_rises_holds_and_falls():
    rate = Trapezoid(peak=2.0, warmup_steps=4, total_steps=20, cooldown_steps=5)
    assert [rate(step) for step in (0, 3, 10, 15, 17, 20)] == [0.5, 2.0, 2.0, 2.0, 1.2, 0.0]


def test_without_cooldown_the_rate_stays():
    assert Trapezoid(peak=1.0, warmup_steps=1, total_steps=10)(9) == 1.0


def test_average_of_a_constant_is_the_constant_and_follows_a_change():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(network.weight)
    average = Ema(network, decay=0.9)
    average.update(network)
    assert average.state["weight"].item() == 1.0
    torch.nn.init.zeros_(network.weight)
    for _ in range(200):
        average.update(network)
    assert average.state["weight"].item() < 1e-3


def test_checkpoint_round_trip_is_atomic(tmp_path):
    path = tmp_path / "run" / "state.pt"
    save_checkpoint(path, {"step": 7, "w": torch.arange(3)})
    loaded = load_checkpoint(path)
    assert loaded["step"] == 7
    assert loaded["w"].tolist() == [0, 1, 2]
    assert [p.name for p in path.parent.iterdir()] == ["state.pt"]


class Line(Trainer[torch.nn.Linear]):
    """Two optimisers, an average, random examples and a state of its own."""

    loss_unit = 2.0

    def __init__(self, total_steps=8):
        torch.manual_seed(0)
        network = torch.nn.Linear(3, 1)
        optimizers = {
            "slope": torch.optim.AdamW([network.weight], lr=0.1),
            "offset": torch.optim.SGD([network.bias], lr=0.02, momentum=0.5),
        }
        super().__init__(network, optimizers, Trapezoid(0.5, 2, total_steps, 3), clip=0.3, ema_decay=0.9)
        self.seen = 0

    def loss(self):
        inputs = torch.randn(4, 3)
        self.seen += len(inputs)
        return (self.network(inputs) - inputs.sum(1, keepdim=True)).square().mean(), len(inputs)

    def own_state(self):
        return {"seen": self.seen}

    def load_own_state(self, state):
        self.seen = state["seen"]


def test_a_step_is_that_of_a_loop_written_out():
    job = Line()
    reports = list(job.fit())
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 1)
    slope = torch.optim.AdamW([network.weight])
    offset = torch.optim.SGD([network.bias], momentum=0.5)
    for report, share in zip(reports, [0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 1 / 3, 1 / 6], strict=True):
        inputs = torch.randn(4, 3)
        loss = (network(inputs) - inputs.sum(1, keepdim=True)).square().mean()
        slope.param_groups[0]["lr"], offset.param_groups[0]["lr"] = 0.1 * share, 0.02 * share
        slope.zero_grad(), offset.zero_grad()
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in network.parameters()]).norm()
        for p in network.parameters():
            p.grad.mul_(min(1.0, 0.3 / float(norm)))
        slope.step(), offset.step()
        assert report.loss == pytest.approx(loss.item() / 2, rel=1e-4)
        assert report.gradient_norm == pytest.approx(float(norm), rel=1e-4)
        assert report.learning_rate == pytest.approx(0.1 * share)
    torch.testing.assert_close(job.network.weight, network.weight, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(job.network.bias, network.bias, rtol=1e-4, atol=1e-6)
    assert torch.equal(job.averaged_network().weight, job.ema.state["weight"])
    assert not torch.equal(job.averaged_network().weight, job.network.weight)


@pytest.mark.parametrize("stop_at", [1, 4, 7])
def test_a_resumed_training_is_the_same_training(tmp_path, stop_at):
    whole = Line()
    losses = [report.loss for report in whole.fit()]
    first = Line()
    for report in first.fit():
        first.stopped = report.step == stop_at
    assert first.steps_done == stop_at
    save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
    second = Line()
    torch.manual_seed(99)
    second.resume(tmp_path / "checkpoint.pt")
    assert [report.loss for report in second.fit()] == losses[stop_at:]
    assert second.seen == whole.seen == 32
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, second.weights()[name]), name


def test_following_saves_the_end_and_prints_its_figures(tmp_path, capsys):
    job = Line(total_steps=3)
    follow(job, tmp_path / "run" / "checkpoint.pt", lambda loss: {"train": loss})
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["steps_done"] == 3
    line = json.loads(capsys.readouterr().out)
    assert line["step"] == 3
    assert line["train"] > 0


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_muon_moves_along_all_directions_alike(shape):
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(0)) @ torch.diag(
        torch.logspace(0, -1, shape[1])
    )
    values = torch.linalg.svdvals(orthogonalise(matrix).float())
    assert values.min() > 0.3
    assert values.max() < 1.4


def test_muon_learns_a_matrix():
    torch.manual_seed(0)
    weight, target = torch.nn.Parameter(torch.zeros(6, 6)), torch.randn(6, 6)
    optimizer = Muon([weight], lr=0.02, weight_decay=0.0)
    for _ in range(400):
        loss = (weight - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02


def test_muon_steps_as_the_library_s_own_does():
    """`torch.optim.Muon` takes matrices only and always rounds to bfloat16, which has 8 bits: hence the tolerance."""
    torch.manual_seed(0)
    weights, gradients = [torch.randn(12, 30), torch.randn(30, 12)], [torch.randn(3, 12, 30), torch.randn(3, 30, 12)]
    moved = []
    for kind, options in ((Muon, {}), (torch.optim.Muon, {"adjust_lr_fn": "match_rms_adamw"})):
        parameters = [torch.nn.Parameter(weight.clone()) for weight in weights]
        optimizer = kind(parameters, lr=0.02, weight_decay=0.02, **options)
        for step in range(3):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient[step].clone()
            optimizer.step()
        moved.append([p.detach() - weight for p, weight in zip(parameters, weights, strict=True)])
    for ours, theirs in zip(*moved, strict=True):
        assert (ours - theirs).norm() < 0.02 * theirs.norm()


@pytest.mark.parametrize("in_hardware", [True, False])
def test_bfloat16_is_used_where_the_processor_has_it_only(monkeypatch, in_hardware):
    """Where it is imitated a matrix product takes several times as long as in float32."""
    monkeypatch.setattr(runtime, "has_bfloat16", lambda kind=None: in_hardware)
    dtype = torch.bfloat16 if in_hardware else torch.float32
    with runtime.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    with runtime.autocast(wanted=False):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    assert orthogonalise(torch.ones(2, 3)).dtype == dtype


def test_one_place_decides_where_bfloat16_is_used():
    root = Path(runtime.__file__).parent
    direct = [
        path.name
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"torch.autocast", "torch.optim.Muon"}
    ]
    assert set(direct) == {"runtime.py"}

"""The shared parts of the recipes."""

import torch

from models.training import Ema, Trapezoid, load_checkpoint, save_checkpoint


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

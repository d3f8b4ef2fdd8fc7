"""From copying to inventing: what is stored fits together, what is said follows from it, and the command writes it."""

import json

import numpy as np

from demos.diffusion.copying import view_copying
from models.diffusion import copying as stored
from models.diffusion import live
from models.diffusion.data import to_signal
from models.diffusion.network import Config
from models.recipes.diffusion import copying as recipe


def test_the_stored_distances_are_those_of_the_stored_pictures():
    found = stored.copying()
    assert [network.count for network in found.networks] == [1, 12, 200, 2269]
    for network in found.networks:
        assert network.rgba.shape == network.nearest.shape == (16, 16, 16, 4)
        apart = np.sqrt(np.square(to_signal(network.rgba) - to_signal(network.nearest)).mean((1, 2, 3))) * 127.5
        np.testing.assert_allclose(apart, network.distances, atol=0.1)
    assert (found.networks[0].nearest == found.networks[0].nearest[0]).all(), "there is but one"
    known = [{sprite.tobytes() for sprite in network.nearest} for network in found.networks]
    assert len(known[1]) <= 12


def test_few_are_copied_and_many_are_not():
    view, strip = view_copying()
    assert [row.copies for row in view.rows] == [
        sum(distance < row.copy_distance for distance in row.distances) for row in view.rows
    ]
    assert view.rows[0].copies == view.rows[1].copies == 16
    assert view.rows[-1].copies == 0
    assert view.said.startswith("Trained on 1 sprite, 16 of 16 samples are copies; 16 of 16 on 12, ")
    assert "models.recipes.diffusion.copying" in strip and "Computed beforehand" in strip


def test_the_command_writes_what_is_read(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    names = np.array([f"{word} potion" for word in "abcdefghijklmnopqrstuvwxyz" for _ in range(2)])
    licence = np.where(np.arange(52) % 2, "cc0", "majority_cc0")
    rgba = random.integers(0, 256, (52, 32, 32, 4), dtype=np.uint8)
    data = tmp_path / "sprites.npz"
    np.savez(data, rgba=rgba, cls=np.array(["potion"] * 52), name=np.char.add(names, licence), licence=licence)
    monkeypatch.setattr(live, "SMALL", Config(classes=(), widths=(16, 16), blocks=1, heads=2, embedding=16))
    monkeypatch.setattr(recipe, "SAMPLE_STEPS", 2)
    for module in (recipe, stored):
        monkeypatch.setattr(module, "FILE", tmp_path / "copying.json")
        monkeypatch.setattr(module, "PICTURES", tmp_path / "copying.png")
    monkeypatch.setattr("sys.argv", ["copying", "--data", str(data), "--steps", "2", "--counts", "1", "0"])
    recipe.main()
    found = stored.copying.__wrapped__()
    train, kept = recipe.read_free_sprites(data)
    assert len(train) + len(kept) == 26, "only what is free"
    assert [network.count for network in found.networks] == [1, len(train)]
    assert "--steps 2" in found.command and json.loads((tmp_path / "copying.json").read_text())["steps"] == 2

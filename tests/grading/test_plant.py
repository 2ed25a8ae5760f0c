"""A repair shop of another year: what it says of itself, and that it stays."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.shop import plant

ROOT = Path(__file__).parents[2]


def planted(monkeypatch, folder, seed, *options):
    arguments = ["plant", "--seed", str(seed), "--out", str(folder), *options]
    monkeypatch.setattr("sys.argv", arguments)
    plant.main()
    return json.loads((folder / "repair_shop.key.json").read_text())


def test_shop_knows_its_seed_and_is_replaced_only_by_force(
    tmp_path, monkeypatch, capsys
):
    first = planted(monkeypatch, tmp_path / "shop", 7)
    assert first == json.loads(json.dumps(plant.make_key(7))) and first["seed"] == 7
    with pytest.raises(SystemExit):
        planted(monkeypatch, tmp_path / "shop", 8)
    assert "is there already" in capsys.readouterr().err
    key = tmp_path / "shop" / "repair_shop.key.json"
    assert json.loads(key.read_text())["seed"] == 7
    assert planted(monkeypatch, tmp_path / "shop", 8, "--force")["seed"] == 8


def test_shop_says_what_it_has_in_common_and_can_be_unlike(
    tmp_path, monkeypatch, capsys
):
    public = plant.causes(plant.PUBLIC)
    usual = planted(monkeypatch, tmp_path / "usual", 7)
    same = sum(usual[n]["cause"] in public for n in usual if n != "seed")
    assert f"{same} of 10 faults are those of notebooks/labs" in capsys.readouterr().out
    other = "--unlike", str(plant.PUBLIC), "--unlike", str(tmp_path / "usual")
    unlike = planted(monkeypatch, tmp_path / "unlike", 7, *other)
    assert "0 of 10 faults" in capsys.readouterr().out
    known = public | plant.causes(tmp_path / "usual")
    assert not known & plant.causes(tmp_path / "unlike") and len(unlike) == 11
    with pytest.raises(SystemExit):
        planted(monkeypatch, tmp_path / "odd", 7, "--unlike", str(tmp_path))
    assert "--unlike names a folder" in capsys.readouterr().err


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_git_leaves_a_planted_shop_out():
    command = ["git", "-C", str(ROOT), "check-ignore", "--quiet"]
    assert subprocess.run([*command, "shop2027/repair_shop.key.json"]).returncode == 0
    assert subprocess.run([*command, "tools/shop/plant.py"]).returncode == 1

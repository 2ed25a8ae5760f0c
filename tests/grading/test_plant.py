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


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_git_leaves_a_planted_shop_out():
    command = ["git", "-C", str(ROOT), "check-ignore", "--quiet"]
    assert subprocess.run([*command, "shop2027/repair_shop.key.json"]).returncode == 0
    assert subprocess.run([*command, "tools/shop/plant.py"]).returncode == 1

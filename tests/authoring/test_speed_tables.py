"""The page of the experiments quotes what was measured."""

from statistics import median

from course_utils import load_experiment
from course_utils.authoring import speed_tables


def test_page_has_the_tables_of_the_results():
    page = speed_tables.README.read_text(encoding="utf-8")
    assert speed_tables.with_tables(page) == page, (
        "run: python -m course_utils.authoring.speed_tables"
    )


def test_marks_stay_and_what_stands_around_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{speed_tables.BEGIN}stale words\n{speed_tables.END}b\n")
    speed_tables.main(page)
    text = page.read_text()
    assert text.startswith(f"a\n{speed_tables.BEGIN}```text\n")
    assert text.endswith(f"```\n{speed_tables.END}b\n")
    assert "stale words" not in text


def test_front_page_quotes_the_results():
    page = (speed_tables.CHECKOUT / "README.md").read_text(encoding="utf-8")
    bars, races = load_experiment("speed_bars"), load_experiment("time_to_accuracy")
    (mlp,) = bars.select(recipe="our MLP", epochs=2)
    (net,) = bars.select(recipe="our ResNet, 2 blocks", epochs=6)
    (move,) = load_experiment("own_costs").select(cost="a playground's move")
    quickstart = races.select(recipe="quickstart", epochs=10)
    best = median(run["best"] for run in quickstart)
    took = median(
        run["seconds"][run["accuracy"].index(run["best"])] for run in quickstart
    )
    for words in (
        f"0.88 of the validation garments after {mlp['0.88'][1]:.1f} s",
        f"needs {took:.0f} s to the best of its ten epochs, {best:.2f}",
        f"0.93 after {net['0.93'][1]:.0f} s",
        f"takes {1000 * move['ours']:.0f} ms to the picture",
        f"takes {1000 * move['instead']:.0f} ms.",
    ):
        assert words in page

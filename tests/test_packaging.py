"""One list of packages, written in four files that can't drift apart."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}
IMPORTED_AS = {
    "IPython": "ipython",
    "yaml": "pyyaml",
    "fontTools": "fonttools",
    "PIL": "pillow",
}  # where the import and the package differ
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


def ranges(lines) -> dict[str, SpecifierSet]:
    """Return {name: range} for requirement lines; a name may repeat, its range not."""
    found: dict[str, SpecifierSet] = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        name = CONDA_NAMES.get(name, name)
        known = found.setdefault(name, requirement.specifier)
        assert known == requirement.specifier, f"{name} has two ranges"
    return found


def read_lines(name: str) -> list[str]:
    """Return the lines of a requirements file that name a package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def everything() -> dict[str, SpecifierSet]:
    """Return every package of pyproject.toml, extras included."""
    return ranges([*PROJECT["dependencies"], *(r for e in EXTRAS.values() for r in e)])


def third_party(*modules: Path) -> set[str]:
    """Return the packages that these modules import, at any depth."""
    found = set()
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(node.module.split(".")[0])
    found -= {*sys.stdlib_module_names, "tomllib", "course_utils"}
    return {canonicalize_name(IMPORTED_AS.get(name, name)) for name in found}


def lesson_imports() -> set[str]:
    """Return the packages that the code cells of the lessons import."""
    import nbformat

    found = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            lines = [] if cell.cell_type != "code" else cell.source.splitlines()
            for line in (line.strip() for line in lines):
                words = line.replace(".", " ").split()
                if line.startswith(("import ", "from ")) and len(words) > 1:
                    found.add(IMPORTED_AS.get(words[1], words[1]))
    return {canonicalize_name(name) for name in found}


def helpers(*, batch: bool) -> list[Path]:
    """Return the modules that no lesson imports, or all others."""
    folder = ROOT / "course_utils"
    names = ("runs", "authoring", "grading", "cluster", "copies", "site")
    rooms = {folder / name for name in names}
    files = folder.rglob("*.py")
    return [path for path in files if bool(rooms & set(path.parents)) == batch]


def test_requirements_hold_every_package_in_the_same_ranges():
    assert ranges(read_lines("requirements.txt")) == everything()


def test_requirements_install_the_helpers_from_this_folder():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "-e ." in lines


def test_conda_environment_holds_the_same_packages_and_ranges():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert "-e ." in pip["pip"]
    lines = conda + [line for line in pip["pip"] if not line.startswith("-e")]
    found = ranges(lines)
    assert found.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert found == everything()


@pytest.mark.parametrize("patch", ["0", "99"])
@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_one_tested_version_within_its_range(python, patch):
    tested = {}
    here = {"python_version": python, "python_full_version": f"{python}.{patch}"}
    for line in read_lines("constraints.txt"):
        pin = Requirement(line)
        applies = not pin.marker or pin.marker.evaluate(here)
        if applies:
            assert canonicalize_name(pin.name) not in tested, f"{pin.name} twice"
            (only,) = pin.specifier
            assert only.operator == "==", line
            tested[canonicalize_name(pin.name)] = only.version
    for name, allowed in everything().items():
        assert name in tested, f"constraints.txt lacks {name}"
        assert tested[name] in allowed, f"{name} {tested[name]} is not {allowed}"


@pytest.mark.nightly
@pytest.mark.network
@pytest.mark.parametrize("python", PYTHONS)
def test_the_tested_versions_serve_the_first_release_of_each_python(python):
    # Debian 12 has Python 3.11.2, and a package may ask for 3.11.5.
    command = [sys.executable, "-m", "uv", "pip", "compile", "-q", "requirements.txt"]
    command += ["-c", "constraints.txt", "--python-version", f"{python}.0"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_dependencies_are_what_lessons_and_their_helpers_import_and_no_more():
    declared = set(ranges(PROJECT["dependencies"]))
    ours = {canonicalize_name(n) for n in (*sys.stdlib_module_names, "course_utils")}
    used = third_party(*helpers(batch=False)) | (lesson_imports() - ours)
    assert used <= declared, f"imported, not declared: {sorted(used - declared)}"
    used |= {"ipywidgets"}  # its part in Jupyter's page shows anywidget's widgets
    assert declared <= used, f"declared, not imported: {sorted(declared - used)}"


def test_batch_packages_are_declared_in_their_extra():
    declared = set(ranges([*PROJECT["dependencies"], *EXTRAS["batch"]]))
    others = {ROOT / "course_utils" / name for name in ("cluster", "site")}
    used = third_party(*(p for p in helpers(batch=True) if not others & {*p.parents}))
    assert used <= declared, f"imported, not declared: {sorted(used - declared)}"


def test_packages_of_course_lab_are_declared_in_its_extra():
    declared = set(ranges([*PROJECT["dependencies"], *EXTRAS["lab"]]))
    used = third_party(*(ROOT / "course_utils" / "copies").glob("*.py"))
    assert used <= declared, f"imported, not declared: {sorted(used - declared)}"


def test_cluster_packages_are_declared_in_their_extra():
    extras = [*EXTRAS["batch"], *EXTRAS["cluster"]]
    declared = set(ranges([*PROJECT["dependencies"], *extras]))
    used = third_party(*(ROOT / "course_utils" / "cluster").rglob("*.py"))
    assert used <= declared, f"imported, not declared: {sorted(used - declared)}"
    assert set(ranges(EXTRAS["cluster"])) <= used


def test_site_packages_are_declared_in_their_extra():
    extras = [*EXTRAS["batch"], *EXTRAS["site"]]
    declared = set(ranges([*PROJECT["dependencies"], *extras]))
    used = third_party(*(ROOT / "course_utils" / "site").rglob("*.py"))
    assert used <= declared, f"imported, not declared: {sorted(used - declared)}"


def test_test_packages_are_declared_in_their_extra():
    every = set(everything())
    files = [p for d in ("tests", "tools", "data") for p in (ROOT / d).rglob("*.py")]
    here = {"tests", "tools", *(canonicalize_name(path.stem) for path in files)}
    used = third_party(*files) - here
    assert used <= every, f"imported, not declared: {sorted(used - every)}"


def test_ranges_leave_what_colab_has_installed():
    installed = {"torch": "2.6.0", "numpy": "2.0.2", "ipywidgets": "7.7.1"}
    allowed = ranges(PROJECT["dependencies"])
    for name, version in installed.items():
        assert version in allowed[name]
    assert not any("<" in str(allowed) for allowed in allowed.values())


def test_wheel_holds_every_file_of_the_package():
    wheel = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "course_utils" in wheel["only-include"]
    assert wheel["exclude"] == ["*.key.json"]  # what only those who grade may know
    assert not list((ROOT / "course_utils").rglob("*.key.json"))
    # All but what git ignores: the builder reads .gitignore.
    files = [path for path in (ROOT / "course_utils").rglob("*.*") if path.is_file()]
    files = [str(path) for path in files if "__pycache__" not in path.parts]
    command = ["git", "check-ignore", "--no-index", *files]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert {".py", ".pyi", ".svg", ".css", ".js"} <= {Path(f).suffix for f in files}

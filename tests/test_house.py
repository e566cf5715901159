"""The rules of the house, run: arrows, sizes, one writer of a run's state, closed routes, reasons."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PACKAGES = ("sce", "backend", "worker")
MAY_NOT_IMPORT = {
    "sce": {"backend", "worker", "fastapi", "sqlalchemy", "celery", "redis"},
    "backend": {"worker", "torch", "lightning", "torchvision", "av"},
    "worker": {"fastapi", "torch", "lightning", "torchvision"},
}
OF_SCE = {
    "backend": ("sce.definition", "sce.recipes", "sce.results", "sce.sets"),
    "worker": ("sce.definition", "sce.recipes", "sce.rundir", "sce.data", "sce.sets"),
}
OPEN_ROUTES = {"/api/v1/health", "/api/v1/session", "/api/openapi.json", "/login", "/{path:path}"}


def files_of(*folders: str) -> list[Path]:
    found = (file for folder in folders for file in (HOUSE / folder).rglob("*.py"))
    return sorted(file for file in found if "versions" not in file.parts)  # migrations are generated


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def functions_of(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def code_lines(files: list[Path]) -> int:
    return sum(bool(line.strip()) for file in files for line in file.read_text().splitlines())


@pytest.mark.parametrize("package", MAY_NOT_IMPORT)
def test_dependencies_point_one_way(package: str) -> None:
    for file in files_of(package):
        roots = {name.split(".")[0] for name in imports_of(file)}
        assert roots.isdisjoint(MAY_NOT_IMPORT[package]), file


@pytest.mark.parametrize("package", OF_SCE)
def test_platform_knows_only_the_contracts_of_sce(package: str) -> None:
    for file in files_of(package):
        ours = {name for name in imports_of(file) if name.split(".")[0] == "sce"}
        assert all(name.startswith(OF_SCE[package]) for name in ours), file


def test_the_definition_imports_only_pydantic() -> None:
    for file in files_of("sce/definition"):
        roots = {name.split(".")[0] for name in imports_of(file)}
        assert roots <= {"pydantic", "sce", "typing", "dataclasses", "math", "collections", "difflib"}, file


@pytest.mark.parametrize(
    "module", ["backend.main", "backend.cli", "worker.app", "sce.rundir", "sce.data.index"]
)
def test_the_platform_starts_without_torch(module: str) -> None:
    check = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=HOUSE)


def test_services_know_nothing_of_http() -> None:
    for file in [*(HOUSE / "backend").rglob("service.py"), *(HOUSE / "backend/runs").glob("*.py")]:
        if file.name != "routes.py":
            assert "fastapi" not in {name.split(".")[0] for name in imports_of(file)}, file


def test_only_the_edges_commit() -> None:
    for file in (HOUSE / "backend").glob("*/*.py"):
        assert ".commit()" not in file.read_text(), f"{file}: commits happen at the edge"


def test_a_runs_state_has_one_writer() -> None:
    write = re.compile(r"\brun\.state\s*=[^=]|\.values\([^)]*\bstate=|values\(\{[^}]*['\"]state['\"]")
    for file in files_of("backend", "worker"):
        if file.name != "life.py" and "datasets" not in file.parts:
            assert not write.search(file.read_text()), (
                f"{file}: only backend/runs/life.py writes a run's state"
            )


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_short(package: str) -> None:
    sizes = {
        f"{file}:{node.name}": lines_of(node) for file in files_of(package) for node in functions_of(file)
    }
    too_long = {name: size for name, size in sizes.items() if size > 50}
    assert not too_long
    assert statistics.median(sizes.values()) <= 10


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks"])
def test_files_are_short(folder: str) -> None:
    too_long = {str(file): n for file in files_of(folder) if (n := len(file.read_text().splitlines())) > 400}
    assert not too_long


def test_pages_are_short() -> None:
    sources = [file for file in (HOUSE / "frontend/src").rglob("*.ts*") if file.name != "schema.d.ts"]
    too_long = {str(file): n for file in sources if (n := len(file.read_text().splitlines())) > 400}
    assert sources
    assert not too_long


def test_tests_are_nearly_as_long_as_what_they_test() -> None:
    assert code_lines(files_of("tests")) >= 0.8 * code_lines(files_of(*PACKAGES))


def test_every_exception_to_a_rule_has_its_reason() -> None:
    bare = re.compile(r"#\s*(noqa(?!:\s*\S+(,\s*\S+)*\s+-\s+\S)|type:\s*ignore(?!\[[^\]]+\]\s+#\s+\S))")
    bare_lines = [
        f"{file}:{number}"
        for file in files_of(*PACKAGES, "tests", "benchmarks")
        if file != Path(__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert not bare_lines, "write: # noqa: CODE - why   or   # type: ignore[code]  # why"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_shell_and_no_unpickling(package: str) -> None:
    for file in files_of(package):
        text = file.read_text()
        assert "shell=True" not in text, file
        assert "allow_pickle=True" not in text, file
        assert "weights_only=False" not in text, file
        assert "import pickle" not in text, file


def test_what_is_open_to_everyone_is_on_this_list() -> None:
    """tests/backend/test_security.py asks every other route without credentials, and is refused."""
    from backend.edge import OPEN

    assert {path for _, path in OPEN} == OPEN_ROUTES


def test_the_project_speaks_of_itself_alone() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=HOUSE, check=True, capture_output=True, text=True
    ).stdout.split()
    foreign = re.compile(r"/work/|\.\./shared|farm-studio|farm-bench|r-seed-")
    for name in tracked:
        file = HOUSE / name
        if name != "tests/test_house.py" and file.exists() and file.suffix not in {".png", ".lock"}:
            assert not foreign.search(file.read_text(errors="ignore")), name

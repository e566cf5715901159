"""What the README shows in a shell works as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("stack")]
README = Path(__file__).parents[2] / "README.md"


def curl_block() -> str:
    blocks: list[str] = re.findall(r"```bash\n(.*?)```", README.read_text(), flags=re.DOTALL)
    (block,) = (block for block in blocks if "curl" in block)
    return "\n".join(line for line in block.splitlines() if not line.startswith("export "))


def test_the_curl_lines_of_the_readme(lab: Lab, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "SCELAB_URL": lab.stack.url, "SCELAB_TOKEN": lab.stack.token}
    script = "set -euo pipefail\n" + curl_block()
    shown = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
    )
    assert shown.returncode == 0, shown.stderr
    launched = json.loads((tmp_path / "launched.json").read_text())
    assert launched["derived"]["effective_batch"] > 0
    assert f'"topic":"run","subject_id":{launched["id"]}' in shown.stdout.replace(" ", "")
    run = lab.wait(launched["id"], "stopped", "finished")
    assert run["experiment"]["name"] == "by hand"


def test_the_commands_of_the_readme_exist() -> None:
    text = README.read_text()
    asked = set(re.findall(r"^scelab ([a-z-]+)", text, flags=re.MULTILINE))
    told = subprocess.run(
        [sys.executable, "-m", "backend.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert asked
    assert all(command in told for command in asked)

"""Says as JSON what a compute node has: this package's version, data roots that it sees, GPUs on request.

python -m sce.probe [--gpus] ROOT...
"""

import argparse
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gpus", action="store_true")
    parser.add_argument("roots", nargs="*", type=Path)
    asked = parser.parse_args()
    print(json.dumps(found(asked.roots, gpus=asked.gpus)))


def found(roots: list[Path], *, gpus: bool) -> dict[str, Any]:
    return {
        "version": importlib.metadata.version("scelab"),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "roots": {str(root): root.is_dir() for root in roots},
        "gpus": gpu_names() if gpus else None,
    }


def gpu_names() -> list[str]:
    import torch  # three seconds, which a node without GPUs need not spend

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


if __name__ == "__main__":
    main()

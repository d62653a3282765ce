"""`python kustomized.py FOLDER`: what `kubectl kustomize` makes of a folder, where kubectl is not installed.

It knows what the manifests here use, and leaves names as they are: kustomize puts a hash at the end of generated ones.
A test compares the two where kubectl is installed.
"""

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonpatch
import yaml


def built(folder: Path) -> list[Any]:
    """Return the resources of a folder."""
    wanted = yaml.safe_load(folder.joinpath("kustomization.yaml").read_text("utf-8"))
    resources = [each for name in wanted["resources"] for each in _read(folder / name)]
    for each in wanted.get("configMapGenerator", ()):
        data = {name: folder.joinpath(name).read_text("utf-8") for name in each["files"]}
        resources.append(_generated("ConfigMap", each["name"], data))
    for each in wanted.get("secretGenerator", ()):
        lines = [line for name in each["envs"] for line in folder.joinpath(name).read_text("utf-8").splitlines()]
        data = {
            key: base64.b64encode(value.encode()).decode() for key, _, value in (each.partition("=") for each in lines)
        }
        resources.append(_generated("Secret", each["name"], data) | {"type": "Opaque"})
    for each in wanted.get("patches", ()):
        patch = yaml.safe_load(each["patch"])
        is_meant = [resource["kind"] == each["target"]["kind"] for resource in resources]
        resources = [
            jsonpatch.apply_patch(resource, patch) if meant else resource
            for resource, meant in zip(resources, is_meant, strict=True)
        ]
    return resources


def _read(path: Path) -> Iterator[Any]:
    yield from built(path) if path.is_dir() else yaml.safe_load_all(path.read_text("utf-8"))


def _generated(kind: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": data}


if __name__ == "__main__":
    yaml.safe_dump_all(built(Path(sys.argv[1])), sys.stdout)

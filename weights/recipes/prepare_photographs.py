"""Take the listed photographs out of bare clones of their repositories, at most 640 pixels long, for training only.

    python weights/recipes/prepare_photographs.py labels.json.gz CLONES PHOTOGRAPHS

The labels name each image as OWNER/NAME/path; CLONES/OWNER+NAME is `git clone --bare` of its repository. Images keep
their name below PHOTOGRAPHS, with .jpg after it if they were of another kind.
"""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageOps

LONGEST, QUALITY = 640, 90


def main(labels: Path, clones: Path, photographs: Path) -> None:
    """Write every image that is not there yet."""
    sizes: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for image in json.loads(gzip.decompress(labels.read_bytes()))["images"]:
        owner, name, path = image["file_name"].split("/", 2)
        sizes[f"{owner}/{name}"][path] = (image["width"], image["height"])
    for repository, images in sizes.items():
        wanted = [path for path in images if not target(photographs, repository, path).exists()]
        for path, data in blobs(clones / repository.replace("/", "+"), wanted):
            shrink(data, images[path], target(photographs, repository, path))
        print(f"{repository}: {len(images)} images")


def target(photographs: Path, repository: str, path: str) -> Path:
    """Where an image of a repository is kept."""
    jpeg = path.lower().endswith((".jpg", ".jpeg"))
    return photographs / repository / (path if jpeg else f"{path}.jpg")


def blobs(clone: Path, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Contents of files at the clone's head, one by one."""
    command = ["git", "-C", str(clone), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        assert git.stdin is not None and git.stdout is not None
        for path in paths:
            git.stdin.write(f"HEAD:{path}\n".encode())
            git.stdin.flush()
            *_, size = git.stdout.readline().split()
            if not size.isdigit():
                raise SystemExit(f"{clone} has no {path}")
            yield path, git.stdout.read(int(size))
            git.stdout.read(1)  # the line's end


def shrink(data: bytes, size: tuple[int, int], path: Path) -> None:
    """Write an image upright as its labels have it."""
    image = Image.open(io.BytesIO(data))
    if image.size != size:
        image = ImageOps.exif_transpose(image)
    if image.size != size:
        raise SystemExit(f"{path} is {image.size}, and labelled as {size}")
    image = image.convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, "JPEG", quality=QUALITY)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

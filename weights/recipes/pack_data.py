"""Pack a recipe's data small: the same tree of files with smaller pictures, in archives of bounded size.

`python weights/recipes/pack_data.py RECIPE --root DATA --out FOLDER`, with every path of the recipe below DATA, writes
FOLDER/piece-00.tar and so on. Unpacked side by side they stand in for DATA: the recipe works on them as it is.
Annotation stays in the units of the full pictures. Videos become numbered pictures. The file that the recipe begins
from, if it is one, travels as init.safetensors, which train_piece.sh takes.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2

from vidtrack.datasets.mot_images import FrameCache, sequence_images
from vidtrack.datasets.records import SetConfig
from vidtrack.model.image_inference import read_image
from vidtrack.training.recipe import TrainConfig, load_config


@dataclass(frozen=True)
class Annotated:
    """A picture file and the (width, height) its annotation speaks of."""

    path: Path
    size: tuple[int, int]


def shrink(source: Annotated, longest: int, quality: int) -> bytes:
    """The picture as WebP with at most `longest` pixels a side."""
    picture = read_image(source)
    scale = min(1.0, longest / max(picture.shape[:2]))
    if scale < 1:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()


def coco_members(item: SetConfig, root: Path) -> Iterator[tuple[Path, Annotated | bytes]]:
    """(name in the archive, file to shrink or bytes to store) of a COCO set."""
    path = Path(item.path)
    folder = Path(item.images) if item.images else path.parent
    values = json.loads(path.read_text())
    for image in values["images"]:
        source = Annotated(folder / image["file_name"], (image["width"], image["height"]))
        image["file_name"] = str(Path(image["file_name"]).with_suffix(".webp"))
        yield (folder / image["file_name"]).relative_to(root), source
    yield path.relative_to(root), json.dumps(values).encode()


def mot_members(item: SetConfig, cache: FrameCache, root: Path) -> Iterator[tuple[Path, Annotated | bytes]]:
    """The same of a MOTChallenge folder."""
    folder = Path(item.path)
    clip = sequence_images(folder, cache)
    for frame, source in clip.paths.items():
        yield (folder / "img1" / f"{frame:06d}.webp").relative_to(root), Annotated(source, clip.size)
    width, height = clip.size
    info = (
        f"[Sequence]\nname={folder.name}\nimDir=img1\nimExt=.webp\nframeRate={clip.frames_per_second:g}\n"
        f"seqLength={len(clip.paths)}\nimWidth={width}\nimHeight={height}\n"
    )
    yield (folder / "seqinfo.ini").relative_to(root), info.encode()
    for name in ("gt.txt", "labels.txt"):
        if (folder / "gt" / name).is_file():
            yield (folder / "gt" / name).relative_to(root), (folder / "gt" / name).read_bytes()


def packed(config: TrainConfig, root: Path, longest: int, quality: int) -> Iterator[tuple[Path, bytes]]:
    """(name in the archive, content) of all that a run of the recipe reads."""
    init = Path(config.init)
    if init.is_file():
        yield Path("init.safetensors"), init.read_bytes()
    elif init.suffix == ".safetensors":
        raise SystemExit(f"the recipe begins from {init}, which is no file")
    with ThreadPoolExecutor() as pool:
        for item in (*config.data.train, *config.data.validation):
            sources = list(
                coco_members(item, root) if item.kind == "coco" else mot_members(item, config.data.frame_cache, root)
            )

            def content(source: Annotated | bytes) -> bytes:
                return source if isinstance(source, bytes) else shrink(source, longest, quality)

            yield from zip(
                [name for name, _ in sources], pool.map(content, [source for _, source in sources]), strict=True
            )


def main() -> None:
    """Write the archives and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--root", type=Path, required=True, help="what the archives' names are relative to")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--longest", type=int, default=384, help="pixels (384)")
    parser.add_argument("--quality", type=int, default=72, help="WebP quality (72)")
    parser.add_argument("--piece-mib", type=float, default=44, help="largest archive (44)")
    args = parser.parse_args()

    config = load_config(args.recipe)
    args.out.mkdir(parents=True, exist_ok=True)
    pieces: list[tarfile.TarFile] = []
    written = 0
    for name, stored in packed(config, args.root, args.longest, args.quality):
        if not pieces or written + len(stored) + 1024 > args.piece_mib * 2**20:
            pieces.append(tarfile.open(args.out / f"piece-{len(pieces):02d}.tar", "w"))
            written = 10240
        header = tarfile.TarInfo(str(name))
        header.size = len(stored)
        pieces[-1].addfile(header, io.BytesIO(stored))
        written += 512 + -(-len(stored) // 512) * 512
    for piece in pieces:
        piece.close()
    for path in sorted(args.out.glob("piece-*.tar")):
        print(f"{path.stat().st_size / 2**20:6.1f} MiB  {path}")


if __name__ == "__main__":
    main()

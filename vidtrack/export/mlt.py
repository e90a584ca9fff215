"""MLT XML for Shotcut and Kdenlive: the clip, and over it tracks of boxes that follow the objects."""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree as Xml

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import hex_colour, number, xml_text
from vidtrack.render.style import colour_of

_HALF = "80"  # opacity of a box, as the alpha in front of its colour


def write(scene: Scene) -> str:
    """Boxes are colour clips, one for each stretch without a gap, moved by a keyframed filter to whole frames."""
    root = Xml.Element("mlt", LC_NUMERIC="C", version="7.0.0", title=scene.name, producer="main")
    _add_profile(root, scene)
    last = str(scene.frame_count - 1)
    _add(
        root,
        "producer",
        {"id": "black", "out": last},
        mlt_service="color",
        resource="#000000",
        length=scene.frame_count,
    )
    background = _add(root, "playlist", {"id": "background"})
    Xml.SubElement(background, "entry", {"producer": "black", "in": "0", "out": last})
    if scene.files is None:
        source: dict[str, object] = {"mlt_service": "avformat", "resource": scene.path}
    else:
        source = {"mlt_service": "pixbuf", "resource": f"{scene.path}?begin={scene.files.first}", "ttl": 1}
    _add(root, "producer", {"id": "clip", "out": last}, **source)
    lowest = _add(root, "playlist", {"id": "V1"}, **{"shotcut:video": 1, "shotcut:name": "V1"})
    Xml.SubElement(lowest, "entry", {"producer": "clip", "in": "0", "out": last})
    names = ["V1"]
    layers = scene.layers()
    for layer in range(max(layers) + 1):
        names.append(f"V{layer + 2}")
        tracks = [track for track, own in zip(scene.tracks, layers, strict=True) if own == layer]
        _add_layer(root, scene, names[-1], sorted(tracks, key=lambda track: int(track.frames[0])))
    _add_tractor(root, names, last)
    return xml_text(root)


def _add_profile(root: Xml.Element, scene: Scene) -> None:
    width, height = scene.size
    display = Fraction(width, height) * scene.pixel_aspect
    rate, pixel = scene.constant_rate, scene.pixel_aspect
    values = {
        "description": "automatic",
        "width": width,
        "height": height,
        "progressive": 1,
        "sample_aspect_num": pixel.numerator,
        "sample_aspect_den": pixel.denominator,
        "display_aspect_num": display.numerator,
        "display_aspect_den": display.denominator,
        "frame_rate_num": rate.numerator,
        "frame_rate_den": rate.denominator,
        "colorspace": 709 if height >= 720 else 601,
    }
    Xml.SubElement(root, "profile", {name: str(value) for name, value in values.items()})


def _add_layer(root: Xml.Element, scene: Scene, name: str, tracks: list[Track]) -> None:
    runs = [(track, run) for track in tracks for run in track.runs()]
    for number_of_run, (track, run) in enumerate(runs):
        _add_box(root, f"{name}-{number_of_run}", track, run)
    playlist = _add(root, "playlist", {"id": name}, **{"shotcut:video": 1, "shotcut:name": name})
    at = 0
    for number_of_run, (track, run) in enumerate(runs):
        first, length = int(track.frames[run][0]), len(track.frames[run])
        if first > at:
            Xml.SubElement(playlist, "blank", length=str(first - at))
        Xml.SubElement(
            playlist, "entry", {"producer": f"{name}-{number_of_run}", "in": "0", "out": str(length - 1)}
        )  # fmt: skip
        at = first + length


def _add_box(root: Xml.Element, name: str, track: Track, run: slice) -> None:
    length = len(track.frames[run])
    box = _add(
        root,
        "producer",
        {"id": name, "out": str(length - 1)},
        length=length,
        mlt_service="color",
        resource=f"#{_HALF}{hex_colour(colour_of(track.id))}",
        **{"shotcut:caption": track.name, "kdenlive:clipname": track.name},
    )
    rectangles = (
        f"{frame}|={number(left)} {number(top)} {number(right - left)} {number(bottom - top)} 1"
        for frame, (left, top, right, bottom) in enumerate(track.boxes_xyxy[run].tolist())
    )
    _add(
        box,
        "filter",
        {"out": str(length - 1)},
        mlt_service="affine",
        background="color:#00000000",
        **{
            "shotcut:filter": "affineSizePosition",
            "transition.fill": 1,
            "transition.distort": 1,
            "transition.rect": ";".join(rectangles),
        },
    )


def _add_tractor(root: Xml.Element, names: list[str], last: str) -> None:
    tractor = _add(root, "tractor", {"id": "main", "out": last}, shotcut=1)
    for name in ("background", *names):
        Xml.SubElement(tractor, "track", producer=name)
    for place in range(1, len(names) + 1):
        _add(tractor, "transition", {}, a_track=0, b_track=place, mlt_service="mix", always_active=1, sum=1)
        _add(tractor, "transition", {}, a_track=0, b_track=place, mlt_service="composite", always_active=1)


def _add(parent: Xml.Element, tag: str, attributes: dict[str, str], **properties: object) -> Xml.Element:
    element = Xml.SubElement(parent, tag, attributes)
    for name, value in properties.items():
        Xml.SubElement(element, "property", name=name).text = str(value)
    return element

"""`vidtrack render`: new pictures from a clip and its track log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vidtrack.cli import options, render_run
from vidtrack.cli import render_options as own
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.values import parse_classes, parse_colour, parse_identities, parse_size
from vidtrack.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.cli.render_run import Item
    from vidtrack.effects.crop import CropConfig
    from vidtrack.effects.hiding import HidingConfig
    from vidtrack.effects.masks import MaskConfig
    from vidtrack.effects.scene import Scene
    from vidtrack.effects.takes import Layer
    from vidtrack.render import Look

_HIDING, _CUTTING = ("blur", "pixelate", "solid"), ("crop_track", "clips", "stills", "matte")
_DRAWING = ("parts", "line", "text", "trail", "colour_by")
_NEEDS = {  # options that do nothing without one of others
    "colour": ("solid",),
    "blocks": ("blur", "pixelate"),
    **dict.fromkeys(("hold_before", "hold_after", "weak_score"), _HIDING),
    **dict.fromkeys(("outline", "feather"), (*_HIDING, "matte")),
    "margin": (*_HIDING, "matte", "stills"),
    **dict.fromkeys(("aspect", "size", "zoom", "max_speed", "max_acceleration"), ("crop_track",)),
    "handles": ("clips", "crop_track"),
    "whole_frame": ("stills",),
    "invert": ("matte",),
}
_USELESS = {  # hiding fills every gap by itself, and smoothed boxes might let something through
    "stills": {"start", "end", "codec", "crf", "preset"},
    "clips": {"start", "end"},
    **{name: {"smooth", "fill_gaps"} for name in _HIDING},
}
_ALL = "all"
_MARGIN = 0.1


def render(
    ctx: typer.Context,
    log: own.Log,
    video: own.Video = None,
    output: own.Output = None,
    tracks: own.Tracks = None,
    without: own.Except = None,
    classes: own.Classes = None,
    min_length: own.MinLength = 0.0,
    start: options.Start = None,
    end: options.End = None,
    smooth: own.Smooth = 0.0,
    fill_gaps: own.FillGaps = 0.0,
    parts: own.Parts = "boxes,labels,trails",
    line: own.Line = None,
    text: own.Text = None,
    trail: own.Trail = 1.5,
    colour_by: own.ColourByOption = own.ColourBy.track,
    blur: own.Blur = False,
    pixelate: own.Pixelate = False,
    solid: own.Solid = False,
    colour: own.Colour = "black",
    blocks: own.Blocks = 8,
    margin: own.Margin = None,
    hold_before: own.HoldBefore = 0.5,
    hold_after: own.HoldAfter = 0.5,
    outline: own.OutlineOption = own.Outline.box,
    feather: own.Feather = 0.1,
    weak_score: own.WeakScore = None,
    crop_track: own.CropTrack = None,
    aspect: own.Aspect = None,
    size: own.Size = None,
    zoom: own.Zoom = 1.0,
    max_speed: own.MaxSpeed = 0.5,
    max_acceleration: own.MaxAcceleration = 1.0,
    clips: own.Clips = False,
    handles: own.Handles = "0",  # type: ignore[assignment]  # typer parses it
    stills: own.Stills = False,
    whole_frame: own.WholeFrame = False,
    matte: own.Matte = None,
    invert: own.Invert = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    report: own.Report = None,
    overwrite: options.Overwrite = False,
    force: own.Force = False,
    progress: options.ProgressOption = ProgressStyle.auto,
) -> None:
    """Make new pictures from a clip and its track log, without a model: draw again, hide, crop, cut out.

    Exit codes: 0 done, 1 an output cannot be written, 2 usage, 3 log or clip cannot be read, 130 interrupted.
    """
    _check_combination(ctx)
    from vidtrack.config import VideoConfig
    from vidtrack.effects.cover import CoverConfig
    from vidtrack.effects.doubts import doubts_of
    from vidtrack.effects.masks import MaskConfig, Shape
    from vidtrack.effects.matte import Matte
    from vidtrack.effects.scene import Wanted, open_scene
    from vidtrack.effects.takes import drawn_layer, hidden_layer, matte_layer, plain_layer

    wanted = Wanted(
        parse_identities(tracks),
        parse_identities(without, "--except") or (),
        parse_classes(classes),
        min_length,
        fill_gaps,
        smooth,
    )
    mask = MaskConfig(Shape(outline), feather)
    hiding = _hiding(blur, pixelate, solid, colour, blocks, mask)
    reach = CoverConfig(_MARGIN if margin is None else margin, hold_before, hold_after)
    crop = None if crop_track is None else _crop(aspect, size, zoom, max_speed, max_acceleration)
    look = _look(parts, line, text, trail, colour_by)
    with_alpha = matte is own.MatteKind.alpha
    if with_alpha and codec not in (None, "prores4444"):
        raise UsageError(f"{codec} holds no opacity", "leave --codec out, or make a --matte luma")
    encoding = VideoConfig("prores4444" if with_alpha else codec, crf, preset)

    scene = open_scene(log, video, wanted, force)
    doubts = None if hiding is None else doubts_of(scene.chosen, weak_score)
    plan = _Plan(scene, output, encoding.codec, start, end)
    if stills:
        pictures = plan.targets("track", ".png")
        render_run.check_places(list(pictures.values()), report, scene, overwrite)
        records = render_run.run_stills(scene, pictures, reach.margin, whole_frame, progress)
    else:
        if hiding is not None:
            layer = hidden_layer(scene.chosen, hiding, reach)
        elif matte is not None:
            layer = matte_layer(scene.chosen, Matte(mask, margin or 0.0, invert), with_alpha)
        elif crop is not None or clips:
            layer = plain_layer(scene.chosen)
        else:
            layer = drawn_layer(scene.footage, scene.chosen, look)
        if clips:
            items = plan.clips(layer, handles)
        elif crop is not None:
            items = plan.crops(layer, crop, str(crop_track), handles)
        else:
            mark = "hidden" if hiding is not None else "matte" if matte is not None else "drawn"
            items = [plan.whole(layer, mark)]
        render_run.check_places([item.take.path for item in items], report, scene, overwrite)
        records = render_run.run_items(scene, items, encoding, progress)
        if doubts is not None and progress not in (ProgressStyle.none, ProgressStyle.json):
            typer.echo(render_run.doubt_line(doubts, scene.chosen), err=True)
    if report is not None:
        render_run.write_record(report, scene, records, doubts)


@dataclass(frozen=True)
class _Plan:
    """From a scene to the videos to make of it."""

    scene: Scene
    output: str | None
    codec: str | None
    start: Fraction | None
    end: Fraction | None

    def targets(self, mark: str, suffix: str) -> dict[int, Path]:
        """A file for each chosen track."""
        from vidtrack.effects.naming import target_in

        identities = sorted(set(self.scene.chosen.ids.tolist()))
        return {n: target_in(self.scene.log_path, self.output, f"{mark}-{n}", suffix) for n in identities}

    def whole(self, layer: Layer, mark: str) -> Item:
        """One video of all the picture."""
        from vidtrack.effects.takes import whole_take

        identities = sorted(set(self.scene.chosen.ids.tolist()))
        take = whole_take(self.scene.footage, layer, self._target(mark), self.start, self.end)
        count = len(identities)
        return render_run.Item(take, f"{count} track{'' if count == 1 else 's'}", {"ids": identities})

    def clips(self, layer: Layer, handles: Fraction) -> list[Item]:
        """A video a track, of all the picture."""
        from vidtrack.effects.paths import paths_of
        from vidtrack.effects.takes import clip_takes

        targets = self.targets("track", self._suffix)
        takes = clip_takes(self.scene.footage, layer, paths_of(self.scene.chosen), targets.__getitem__, handles)
        return [
            render_run.Item(take, f"track {identity}", {"id": identity})
            for take, identity in zip(takes, targets, strict=True)
        ]

    def crops(self, layer: Layer, config: CropConfig, which: str, handles: Fraction) -> list[Item]:
        """A window that follows one track through the clip, or one for each track over its own time."""
        from vidtrack.effects.crop import plan_crop
        from vidtrack.effects.paths import paths_of
        from vidtrack.effects.spans import span_of
        from vidtrack.effects.takes import crop_take
        from vidtrack.tracklog import select

        scene = self.scene
        if which == _ALL:
            followed = scene.chosen
            targets = self.targets("crop", self._suffix)
        else:
            identities = parse_identities(which, "--crop-track") or ()
            followed = select(scene.log, identities)
            if len(identities) > 1:
                raise UsageError(f"--crop-track {which} names several tracks", f"give one, or {_ALL} with --tracks")
            targets = {identities[0]: self._target(f"crop-{identities[0]}")}
        items = []
        for path in paths_of(followed):
            crop = plan_crop(path, followed, scene.footage.info, config, scene.footage.scale, whole_clip=which != _ALL)
            span = span_of(path, followed, handles) if which == _ALL else (self.start, self.end)
            take = crop_take(scene.footage, layer, crop, targets[path.identity], span)
            missed = f", cut off in {crop.frames_cut} of {crop.frames_followed} frames" if crop.frames_cut else ""
            values = {"id": path.identity, "frames_cut": crop.frames_cut, "frames_followed": crop.frames_followed}
            items.append(render_run.Item(take, f"track {path.identity}{missed}", values))
        return items

    @property
    def _suffix(self) -> str:
        from vidtrack.video.codecs import suffix_for

        return suffix_for(self.codec)

    def _target(self, mark: str) -> Path:
        from vidtrack.effects.naming import target_of

        return target_of(self.scene.log_path, self.output, mark, self._suffix)


def _check_combination(ctx: typer.Context) -> None:
    """Raise UsageError for options that do not go together, or would do nothing."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    for modes in (_HIDING, _CUTTING):
        both = [name for name in modes if name in given]
        if len(both) > 1:
            raise UsageError(f"{_spelt(both[0])} and {_spelt(both[1])} exclude each other", "run them one by one")
    for mode, useless in _USELESS.items():
        if mode in given and given & useless:
            raise UsageError(f"{_spelt(min(given & useless))} does nothing with {_spelt(mode)}", "leave it out")
    if given & set(_HIDING) and given & {"stills", "matte"}:
        raise UsageError("hiding goes with --crop-track and --clips, not with --stills and --matte", "leave one out")
    for name in sorted(given & set(_NEEDS)):
        if not given & set(_NEEDS[name]):
            raise UsageError(f"{_spelt(name)} does nothing by itself", f"it goes with {_or(_NEEDS[name])}")
    drawing = sorted(given & set(_DRAWING))
    if drawing and given & {*_HIDING, *_CUTTING}:
        other = next(name for name in (*_HIDING, *_CUTTING) if name in given)
        raise UsageError(f"{_spelt(drawing[0])} is for drawing, and {_spelt(other)} draws nothing", "leave one out")


def _spelt(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _or(names: Sequence[str]) -> str:
    return " or ".join(map(_spelt, names))


def _hiding(blur: bool, pixelate: bool, solid: bool, colour: str, blocks: int, mask: MaskConfig) -> HidingConfig | None:
    from vidtrack.effects.hiding import HidingConfig, Method

    if not (blur or pixelate or solid):
        return None
    method = Method.BLUR if blur else Method.PIXELATE if pixelate else Method.SOLID
    return HidingConfig(method, blocks, parse_colour(colour), mask)


def _crop(
    aspect: Fraction | None, size: str | None, zoom: float, max_speed: float, max_acceleration: float
) -> CropConfig:
    from vidtrack.effects.crop import CropConfig

    result = parse_size(size)
    if aspect is None:
        aspect = Fraction(9, 16) if result is None or 0 in result else Fraction(*result)
    return CropConfig(aspect, result, zoom, max_speed, max_acceleration)


def _look(parts: str, line: int | None, text: int | None, trail: float, colour_by: own.ColourBy) -> Look:
    from vidtrack.render import Label, Look

    wanted = {part.strip() for part in parts.split(",") if part.strip()}
    known = {"boxes", "labels", "ids", "trails"}
    if not wanted or wanted - known:
        odd = ", ".join(sorted(wanted - known)) or "nothing"
        raise UsageError(f"--parts is {odd}", f"choose of {', '.join(sorted(known))}")
    return Look(
        boxes="boxes" in wanted,
        label=Label.FULL if "labels" in wanted else Label.ID if "ids" in wanted else Label.NONE,
        trail_seconds=trail if "trails" in wanted else 0.0,
        coloured_by_class=colour_by is own.ColourBy.klass,
        line=line,
        text=text,
    )

"""`vidtrack render`: video and images made from a clip and its track log."""

from __future__ import annotations

import sys

import typer

from vidtrack.cli import drawing, options, presets
from vidtrack.cli import render_options as own
from vidtrack.cli.drawing import look_of
from vidtrack.cli.many_logs import for_each_log
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.render_choices import check_combination, crop_of, followed_by, hiding_of
from vidtrack.cli.render_run import check_places, doubt_line, run_items, run_stills, write_record
from vidtrack.cli.values import limits_of, parse_classes, parse_identities, parse_length
from vidtrack.core.errors import UsageError, printable
from vidtrack.render.style import Style

_MARGIN = 0.1


@for_each_log
def render(
    ctx: typer.Context,
    log: options.LogOrFolder,
    video: options.SourceVideo = None,
    output: own.Output = None,
    config_file: presets.ConfigFile = None,
    preset: presets.Preset = None,
    parts: drawing.Parts = drawing.PARTS,
    style: drawing.StyleOption = Style.QUIET,
    line_width: drawing.LineWidth = None,
    text_size: drawing.TextSize = None,
    trail: drawing.Trail = None,
    colour_by: drawing.ColourByOption = drawing.ColourBy.track,
    raw_boxes: drawing.RawBoxes = False,
    blur: own.Blur = False,
    pixelate: own.Pixelate = False,
    solid: own.Solid = False,
    colour: own.Colour = "black",
    blocks: own.Blocks = 8,
    margin: own.Margin = None,
    hold_before: own.HoldBefore = 0.5,
    hold_after: own.HoldAfter = 0.5,
    outline: own.OutlineOption = own.Outline.box,
    feather: own.Feather = 0.05,
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
    tracks: options.Tracks = None,
    without: options.ExceptTracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    smooth: options.Smooth = 0.0,
    fill_gaps: options.FillGaps = 0.0,
    start: options.Start = None,
    end: options.End = None,
    max_pixels: options.MaxPixels = None,
    codec: options.Codec = None,
    crf: options.Crf = None,
    encoder_preset: options.EncoderPreset = None,
    report: own.Report = None,
    overwrite: options.Overwrite = False,
    force: options.Force = False,
    progress: options.ProgressOption = ProgressStyle.auto,
) -> None:
    """Render video from a clip and its track log, without a model: draw tracks, hide them, crop to them, cut them out.

    A folder of logs is rendered log by log; those whose outputs exist are skipped.

    Exit codes: 0 done, 1 an output could not be written or some logs failed, 2 usage error, 3 log or clip could not
    be read, 130 interrupted.
    """
    check_combination(ctx)
    from vidtrack.render.coverage import CoverageConfig
    from vidtrack.render.inputs import TrackSelection, open_inputs
    from vidtrack.render.jobs import Plan, drawn_layer, hidden_layer, matte_layer, plain_layer
    from vidtrack.render.masks import MaskConfig, Shape
    from vidtrack.render.matte import Matte
    from vidtrack.render.review import between, doubts_of
    from vidtrack.video.config import EncodeConfig

    wanted = TrackSelection(
        parse_identities(tracks),
        parse_identities(without, "--except") or (),
        parse_classes(classes),
        *parse_length(min_length),
        fill_gaps,
        smooth,
        doubtful=blur or pixelate or solid,
    )
    mask = MaskConfig(Shape(outline), feather)
    hiding = hiding_of(blur, pixelate, solid, colour, blocks, mask)
    reach = CoverageConfig(_MARGIN if margin is None else margin, hold_before, hold_after)
    followed = followed_by(crop_track)
    crop = None if crop_track is None else crop_of(aspect, size, zoom, max_speed, max_acceleration)
    look = look_of(parts, style, line_width, text_size, trail, colour_by, raw_boxes)
    with_alpha = matte is own.MatteKind.alpha
    if with_alpha and codec not in (None, "prores4444"):
        raise UsageError(f"{codec} cannot store an alpha channel", "drop --codec, or use --matte luma")
    encoding = EncodeConfig("prores4444" if with_alpha else codec, crf, encoder_preset)

    inputs = open_inputs(log, video, wanted, force, limits_of(max_pixels, None))
    plan = Plan(inputs, output, encoding.codec, start, end)
    if not len(inputs.log.ids) and (stills or clips or (crop is not None and followed is None)):
        print(printable(f"vidtrack: note: {log} has no tracks; nothing written"), file=sys.stderr)
    if stills:
        pictures = plan.stills()
        check_places(list(pictures.values()), report, inputs, overwrite)
        records = run_stills(inputs, pictures, reach.margin, whole_frame, progress)
        if report is not None:
            write_record(report, inputs, records, None)
        return

    if hiding is not None:
        layer, mark = hidden_layer(inputs.chosen, hiding, reach), "hidden"
    elif matte is not None:
        layer, mark = matte_layer(inputs.chosen, Matte(mask, margin or 0.0, invert), with_alpha), "matte"
    elif crop is not None or clips:
        layer, mark = plain_layer(inputs.chosen), ""
    else:
        layer, mark = drawn_layer(inputs.footage, inputs.chosen, look, inputs.log), "drawn"
    if clips:
        items = plan.clips(layer, handles)
    elif crop is not None:
        items = plan.crops(layer, crop, handles) if followed is None else [plan.crop(layer, crop, followed)]
    else:
        items = [plan.whole(layer, mark)]
    check_places([item.job.path for item in items], report, inputs, overwrite)
    records = run_items(inputs, items, encoding, progress)

    doubts = None if hiding is None else between(doubts_of(inputs.chosen, weak_score), inputs.chosen, start, end)
    if doubts is not None and progress not in (ProgressStyle.none, ProgressStyle.json):
        typer.echo(doubt_line(doubts, inputs, records), err=True)
    if report is not None:
        write_record(report, inputs, records, doubts)

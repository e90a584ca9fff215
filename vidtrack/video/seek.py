"""Seeking that keeps the ordinals of frames."""

from __future__ import annotations

import math
from array import array

import av

from vidtrack.core.types import VideoInfo
from vidtrack.video.container import open_container, video_stream
from vidtrack.video.edit_list import stream_pauses
from vidtrack.video.ffmpeg_log import FFmpegMessages
from vidtrack.video.timestamps import jump_ticks
from vidtrack.video.timing import may_jump, without_presentation_times


def locate_start(info: VideoInfo, start_pts: int) -> tuple[int, int, int] | None:
    """Find where to seek for the first frame at or after `start_pts` (absolute), by reading packets undecoded.

    Returns (pts of the keyframe to seek to, ordinal of that first frame, its pts), or None if packets do not map
    one to one to frames in time order (interlaced fields, missing, repeated or reset times, pauses in an edit list,
    damage): then only decoding from the beginning counts exactly.
    """
    if info.interlaced or without_presentation_times(info):
        return None
    times = array("q")
    last_dts, latest = -math.inf, math.inf
    keyframe: int | None = None
    with open_container(info.path) as container, FFmpegMessages() as messages:
        stream = video_stream(container, info.path, info.stream)
        if stream_pauses(info.path, stream):
            return None
        longest_step = jump_ticks(info.time_base) if may_jump(container) else math.inf
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:
                    continue
                if packet.pts is None or packet.is_corrupt:
                    return None
                times.append(packet.pts)
                if packet.is_keyframe and packet.pts <= start_pts:
                    keyframe = packet.pts if keyframe is None else max(keyframe, packet.pts)
                if packet.dts is None:  # Matroska leaves out the first ones
                    continue
                if packet.dts <= last_dts or packet.dts > latest:  # the clock is reset
                    return None
                latest = packet.dts + longest_step
                last_dts = packet.dts
                if packet.dts > start_pts:
                    break  # dts never exceeds pts: everything that follows is shown later
        except (av.FFmpegError, OSError):
            return None
        if messages.take():
            return None
    later = [t for t in times if t >= start_pts]
    if keyframe is None or not later or len(set(times)) != len(times):
        return None
    return keyframe, len(times) - len(later), min(later)

"""Options from a TOML file or a preset; those on the command line win over a file, a file over a preset."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vidtrack.core.errors import UsageError

PRESETS: dict[str, dict[str, dict[str, Any]]] = {  # by name, then command; docs/presets.md gives the reasons
    "privacy": {
        "detect": {"score": 0.2, "detect-every": 1, "fill-gaps": 2},
        "render": {"blur": True, "margin": 0.2, "hold-before": 1, "hold-after": 1},
    },
    "sports": {"detect": {"classes": "person", "detect-every": 1, "fill-gaps": 1, "max-tracks": 60}},
    "traffic": {"detect": {"classes": "person,car,truck,bus,motorcycle", "score": 0.4, "no-cuts": True}},
    "quick": {"detect": {"detect-every": "0.2s", "encoder-preset": "ultrafast"}},
}
_COMMANDS = ("detect", "render", "export", "report")
_ENCODER = ("fast", "medium", "slow")  # words in names of encoder presets, which --preset means elsewhere


def _take_file(ctx: typer.Context, path: Path | None) -> Path | None:
    if path is not None:
        values = _read(path)
        tables = {command: values.pop(command, {}) for command in _COMMANDS}
        for command, table in tables.items():
            if not isinstance(table, dict):
                raise UsageError(f"{path}: [{command}] is not a table of options", f"write [{command}] above them")
        own = tables.get(str(ctx.info_name), {})
        if (named := own.pop("preset", values.pop("preset", None))) is not None:
            _take_preset(ctx, str(named))
        ctx.default_map = {**(ctx.default_map or {}), **_defaults(ctx, values | own, str(path))}
    return path


def _take_preset(ctx: typer.Context, name: str | None) -> str | None:
    if name is not None:
        command = str(ctx.info_name)
        if name not in PRESETS:
            hint = f"choose one of {', '.join(PRESETS)}"
            if name.isdigit() or any(word in name for word in _ENCODER):
                hint += f"; for the video encoder use --encoder-preset {name}"
            raise UsageError(f"unknown preset {name!r}", hint)
        if command not in PRESETS[name]:
            raise UsageError(f"the preset {name} sets nothing for vidtrack {command}", f"use it with {_users(name)}")
        ctx.default_map = {**_defaults(ctx, PRESETS[name][command], name), **(ctx.default_map or {})}
    return name


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=_take_file,
        help='Read options from a TOML file, e.g. classes = ["person"]. The command line wins.',
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        is_eager=True,
        callback=_take_preset,
        help=f"Start from the options of {', '.join(PRESETS)} (docs/presets.md).",
    ),
]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--config {path} is not valid TOML: {error}", 'e.g. classes = ["person", "car"]') from None


def _defaults(ctx: typer.Context, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Parameters by name, with their values as the command line has them."""
    known = {
        spelling.lstrip("-"): parameter
        for parameter in ctx.command.params
        for spelling in parameter.opts
        if spelling.startswith("--") and parameter.name not in ("config_file", "preset")
    }
    defaults: dict[str, Any] = {}
    for key, value in values.items():
        parameter = known.get(key.replace("_", "-"))
        if parameter is None or parameter.name is None:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"vidtrack {ctx.info_name} --help lists the options"
            raise UsageError(f"{where}: {key!r} is not an option of vidtrack {ctx.info_name}", hint)
        is_flag = bool(getattr(parameter, "is_flag", False))
        if is_flag != isinstance(value, bool):
            need = "true or false" if is_flag else "a value"
            raise UsageError(f"{where}: {key} = {value!r} is not valid", f"it takes {need}")
        multiple = bool(getattr(parameter, "multiple", False))
        defaults[parameter.name] = value if is_flag else _as_text(value, multiple)
    return defaults


def _as_text(value: Any, multiple: bool) -> str | list[str]:
    """A TOML value as it is typed: a list becomes several options or a list with commas, a table `key=value,...`."""
    if multiple:
        return [_joined(item) for item in (value if isinstance(value, list) else [value])]
    return _joined(value)


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={_joined(item)}" for key, item in value.items())
    return ",".join(map(_joined, value)) if isinstance(value, list) else str(value)


def _users(name: str) -> str:
    return " or ".join(f"vidtrack {command}" for command in PRESETS[name])

"""Groups of commands that refuse an option given twice by people who want both; the parser would take the last."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup, TyperOption

from vidtrack.core.errors import UsageError

_BOTH_WANTED = frozenset(("--classes", "--output", "--parts", "--prompt", "--report", "--to"))  # others override
_LISTS = frozenset(("--classes", "--parts", "--prompt"))


class Commands(TyperGroup):
    """A group of commands of which some options may be given only once."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called; raises UsageError."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, TyperGroup):
            inside = command.context_class(command, info_name=name, parent=ctx)
            inside.resilient_parsing = True  # what else is wrong is told when the command parses
            _refuse_repeated(command.make_parser(inside).parse_args(list(rest))[2])
        return name, command, rest


def _refuse_repeated(given: list[Any]) -> None:
    seen = set()
    for option in given:
        name = option.opts[0]
        if not isinstance(option, TyperOption) or option.multiple or name not in _BOTH_WANTED:
            continue
        if name in seen:
            hint = (
                f"separate values with commas: {name} A,B" if name in _LISTS else "give it once, or run vidtrack twice"
            )
            raise UsageError(f"{name} is given more than once", hint)
        seen.add(name)

"""Pickles that mean harm: they would run something, write something, or ask for more memory than there is."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

_RUN: tuple[tuple[str, tuple[Any, ...]], ...] = (  # WITNESS stands for a path that must not come to be
    ("os system", ("touch WITNESS",)),
    ("posix system", ("touch WITNESS",)),
    ("os mkdir", ("WITNESS",)),
    ("builtins eval", ("__import__('os').mkdir('WITNESS')",)),
    ("builtins exec", ("open('WITNESS', 'w')",)),
    ("builtins open", ("WITNESS", "w")),
    ("io open", ("WITNESS", "w")),
    ("builtins getattr", ("x", "upper")),
    ("builtins __import__", ("antigravity",)),
    ("subprocess check_output", (["touch", "WITNESS"],)),
    ("subprocess Popen", (["touch", "WITNESS"],)),
    ("shutil copy", ("/etc/hostname", "WITNESS")),
    ("runpy _run_code", ("open('WITNESS', 'w')", {})),
    ("pathlib Path.touch", ("WITNESS",)),
    ("operator methodcaller", ("touch",)),
    ("torch save", ({}, "WITNESS")),
    ("torch load", ("WITNESS",)),
    ("torch.hub load", ("x/y", "z")),
    ("torch.serialization load", ("WITNESS",)),
    ("torch._utils _import_dotted_name", ("os.system",)),
    ("torch.storage _load_from_bytes", (b"\x80\x02cos\nsystem\nX\x05\x00\x00\x00touch\x85R.",)),
    ("torch.jit._script unpackage_script_module", ("WITNESS", "x", "cpu", "y")),
    ("numpy load", ("WITNESS",)),
    ("numpy.core.multiarray _reconstruct", ((10**12,),)),
    ("argparse FileType", ("w",)),
    ("argparse.Namespace __class__", ()),
    ("collections OrderedDict", (10**12,)),
    ("builtins bytearray", (10**11,)),
    ("_codecs encode", ("x" * 100, "rot13")),
    ("_codecs encode", ("x" * 100, "latin1")),
    ("torch._utils _rebuild_tensor_v2", (None, 0, (10**12,), (1,), False, {})),
    ("torch Size", ((10**12,),)),
    ("torch.FloatStorage from_file", ("WITNESS", True, 10**6)),
    ("torch FloatStorage", (10**10,)),
    ("torch UntypedStorage", (10**11,)),
    ("torch Tensor", (10**6, 10**5)),
    ("torch ones", (10**10,)),
)


def harmful(witness: Path, rng: random.Random) -> bytes:
    """A file that `torch.load` would take: a pickle by itself, or in a zip as PyTorch writes it."""
    name, arguments = rng.choice(_RUN)
    told = tuple(_replaced(argument, str(witness)) for argument in arguments)
    body = _called(name, told, rng)
    wrapped = rng.choice((b"", b"X\x05\x00\x00\x00model", b"X\x04\x00\x00\x00args"))
    program = b"\x80\x02" + (b"}(" + wrapped + body + b"u" if wrapped else body) + b"."
    kind = rng.random()
    if kind < 0.5:
        return _zipped(program, rng)
    if kind < 0.75:
        return program
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return magic + program


def bomb(rng: random.Random) -> bytes:
    """A zip checkpoint of one stored number that claims to be a tensor of any number of them."""
    size = rng.choice(((10**12,), (10**6, 10**6), (2**62, 4), (-1, 5), (2**40, 0)))
    stride = rng.choice(((0,) * len(size), (1,) * len(size), (-1,) * len(size), (2**62,) * len(size)))
    stored = rng.choice((1, 4, 10**11, -1))
    name = rng.choice((b"transformer.level_embed", b"backbone.0.body.conv1.weight", b"class_embed.0.bias"))
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + _int(stored) + b"tQ"
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + _int(0)
        + _tuple(size)
        + _tuple(stride)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )
    key = b"X" + struct.pack("<I", len(name)) + name
    return _zipped(b"\x80\x02}(" + b"X\x05\x00\x00\x00model}(" + key + tensor + b"uu.", rng, struct.pack("<f", 1.0))


def _called(name: str, arguments: tuple[Any, ...], rng: random.Random) -> bytes:
    module, attribute = name.split()
    values = pickle.dumps(arguments, 2)[2:-1]
    found = f"c{module}\n{attribute}\n".encode()
    if rng.random() < 0.3:
        found = _text(module) + _text(attribute) + b"\x93"  # STACK_GLOBAL
    how = rng.randrange(4)
    if how == 0:
        return found + values + b"\x81"  # NEWOBJ
    if how == 1:
        return f"(i{module}\n{attribute}\n".encode()  # INST
    if how == 2:
        return found + values + b"R" + b"}X\x01\x00\x00\x00a" + _int(1) + b"sb"  # REDUCE, then BUILD
    return found + values + b"R"


def _zipped(program: bytes, rng: random.Random, stored: bytes = b"\0\0\0\0") -> bytes:
    held = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    folder = rng.choice(("archive", "archive", "../..", "/"))
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr(f"{folder}/data.pkl", program)
        archive.writestr(f"{folder}/byteorder", b"little")
        archive.writestr(f"{folder}/data/0", stored)
        archive.writestr(f"{folder}/version", b"3\n")
        if rng.random() < 0.1:
            archive.writestr(f"{folder}/constants.pkl", program)  # as TorchScript has it
    return held.getvalue()


def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _int(value: int) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def _tuple(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(_int, values)) + b"t"


def _replaced(value: Any, witness: str) -> Any:
    if isinstance(value, str):
        return value.replace("WITNESS", witness)
    if isinstance(value, list):
        return [_replaced(item, witness) for item in value]
    return value

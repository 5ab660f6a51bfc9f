"""A technique as a stand-alone script, with the files that must lie beside it."""

import importlib
import importlib.util
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from viz_core.errors import ConvscopeError
from viz_core.technique import Technique

FILE = "script.py"
HELPER = "helper.py"
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


@dataclass(frozen=True)
class Script:
    """Code that makes an array of a result: it saves it as `<array>.npy`.

    `part` says which part of the result's array that is, as an index; `files` are those it reads, made when asked for;
    `helper` is the code of the second file that it imports: the network and the reading of pictures.
    """

    code: str
    array: str
    part: tuple[Any, ...] = ()
    files: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    helper: str = ""

    @property
    def saved_as(self) -> str:
        """The name of the file that the script writes."""
        return file_name(self.array)

    def part_of(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """What the script makes, out of the arrays of the result."""
        return arrays[self.array][self.part]

    def bundle(self) -> bytes:
        """A zip of the script, its helper and its files: unpack it and run it."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(FILE, FIRST_DATE), self.code)
            if self.helper:
                archive.writestr(zipfile.ZipInfo(HELPER, FIRST_DATE), self.helper)
            for name, make in self.files.items():
                archive.writestr(zipfile.ZipInfo(name, FIRST_DATE), make())
        return content.getvalue()


def file_name(array: str) -> str:
    """The file that an array is saved as."""
    return re.sub(r"\W+", "_", array) + ".npy"


def has_script(kind: type[Technique]) -> bool:
    """Whether there is a script for this technique at all: some arrays cannot be made in forty lines."""
    return importlib.util.find_spec(_module(kind)) is not None


def script_for(technique: Technique) -> Script:
    """The script that makes what this technique makes; raises ConvscopeError where its settings go beyond a short one."""
    writer = importlib.import_module(_module(type(technique)))
    inherited = ("model", "image", "size", "seed", "target")
    for name, declared in type(technique).model_fields.items():
        if name not in inherited + writer.OBEYED and getattr(technique, name) != declared.default:
            raise _beyond(name)
    return writer.write(technique)


def _beyond(setting: str) -> ConvscopeError:
    """What is said where a setting has a value that the script does not follow."""
    if setting == "steering":
        return ConvscopeError("script_errors.steered")
    return ConvscopeError("script_errors.setting", setting=setting)


def _module(kind: type[Technique]) -> str:
    return f"{__package__}.{kind.slug.replace('-', '_')}"

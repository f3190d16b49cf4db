"""What a check is to write, looked at before any work is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike

from maksud.data.checks import page
from maksud.data.checks.fixing import DIFF
from maksud.data.checks.suggesting import require_new
from maksud.data.formats.places import overlap, refuse_nameless, refuse_over
from maksud.errors import InputError


def check_outputs(
    read: Mapping[str, str],
    outs: Sequence[str] = (),
    html: str | PathLike[str] | None = None,
    suggest: str | PathLike[str] | None = None,
    *,
    in_place: bool = False,
    overwrite: bool = False,
) -> None:
    """Raises `InputError` where something would be written over what is read, or over something
    else that is written, or where a page or candidates can't be written.

    `read`: what is read, and where; `outs`: where `--fix` may write data.
    """
    taken = {name: place for name, place in read.items() if place}
    for out in outs:
        refuse_nameless("--out", out)
        refuse_over("the diff of --fix", out.rstrip("/") + DIFF, taken)
        over = next((name for name, place in taken.items() if overlap(out, place)), "")
        if over and not in_place:
            raise InputError(
                f"--out would be written over {over}; nothing was written",
                where=out,
                hint="Name another --out; --in-place writes over the data itself",
            )
    for out in outs:
        taken |= {f"{out}, which --fix writes": out}
        taken |= {f"{out}{DIFF}, which --fix writes": out.rstrip("/") + DIFF}
    if html is not None:
        refuse_over("--html", os.fspath(html), taken)
        page.check_target(html, overwrite=overwrite)
        taken |= {"--html": os.fspath(html)}
    if suggest is not None:
        refuse_over("--suggest", os.fspath(suggest), taken)
        require_new(suggest)

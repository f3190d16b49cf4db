"""Old Rasa NLU Markdown: `## intent:greet`, then `- example` with marks as in `rasa`. Read only.

Synonyms, lookups and regular expressions, which are no examples, are counted.
"""

from __future__ import annotations

import re
from collections import Counter

from maksud.data.findings import excerpt
from maksud.data.formats.base import Format, Options
from maksud.data.formats.parts.labels import Labels
from maksud.data.formats.parts.lines import text_lines
from maksud.data.formats.parts.marks import add_marked, tell_marks
from maksud.data.formats.parts.reading import Reading
from maksud.data.formats.parts.source import Source

_HEAD = re.compile(r"##\s*(?P<kind>intent|synonym|regex|lookup)\s*:\s*(?P<name>.+)")


def read_markdown(file: Source, options: Options) -> Reading:
    """Examples below their intents."""
    reading = Reading()
    labels = Labels(reading, file.path)
    counts: Counter[str] = Counter()
    section, name = "", ""
    for line, text, raw in text_lines(file, options, reading):
        head = _HEAD.fullmatch(text)
        place = f"{file.path}:{line}"
        if head is not None:
            section, name = head["kind"], head["name"].strip()
        elif text.startswith("<!--") and text.endswith("-->"):
            continue
        elif not text.startswith(("-", "*", "+")) or not section:
            what = f"expected '## intent:NAME' or '- example', found {excerpt(text, 30)}"
            reading.reject(place, "E-MARKDOWN", what, "begin it with -", raw)
        elif section != "intent":
            counts[f"{section} entries"] += 1
        else:
            add_marked(
                reading, labels, text[1:].strip(), name, counts,
                source=file.path, line=line, original=raw, split=options.split,
            )  # fmt: skip
    tell_marks(reading, counts, file.path)
    labels.close()
    return reading


def _is_markdown(file: Source) -> bool:
    return not file.packed and re.search(r"^##\s*intent\s*:", file.head_text, re.M) is not None


FORMAT = Format("rasa-markdown", "old Rasa NLU data (Markdown)", (), _is_markdown, read_markdown)

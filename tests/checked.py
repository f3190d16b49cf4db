"""What the tests of the checks share: rows that have no fault, and the codes of what is found."""

from maksud.data.checks import check
from maksud.data.dataset import Dataset, Example
from maksud.data.findings import Finding, Findings
from maksud.language.catalog import Catalog

WORDS = "satu dua tiga empat lima enam tujuh delapan sembilan sepuluh".split()  # noqa: SIM905


def rows(intent: str, n: int, split: str = "train") -> list[Example]:
    """`n` single-intent examples, no two of them nearly alike."""
    return [
        Example(
            f"{intent} {WORDS[k % 10]} {WORDS[k // 10]} {split}", f"{intent}()", split=split, line=k
        )
        for k in range(n)
    ]


def good() -> list[Example]:
    """Data without any fault."""
    out = rows("play", 100) + rows("stop", 100) + rows("none", 10)
    for k in range(50):
        a, b = WORDS[k % 10], WORDS[k // 10]
        out.append(Example(f"mainkan {a} lalu hentikan {b}", "play();stop()", split="train"))
    return out


def found(examples: list[Example], catalog: Catalog | None = None) -> Findings:
    """What is found in good data with these examples."""
    return check(Dataset(good() + examples, catalog=catalog))


def codes(examples: list[Example], catalog: Catalog | None = None) -> set[str]:
    """The codes of what is found in these examples alone."""
    return set(check(Dataset(examples, catalog=catalog)).codes)


def only(findings: Findings, code: str) -> Finding:
    """The one finding of a code."""
    group = next((g for g in findings.groups if g.code == code), None)
    assert group is not None, f"no {code} in {findings.codes}"
    assert group.total == 1, [str(f) for f in group.kept]
    return group.kept[0]

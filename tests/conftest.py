"""What tests share: a small dataset that trains in seconds, a home of their own, the guide."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from guide_script import GUIDES
from hypothesis import HealthCheck, settings

from maksud.data.dataset import Dataset, Example
from maksud.recognizers.compact.settings import CompactSettings
from maksud.recognizers.door import train
from maksud.recognizers.runs import Run
from maksud.recognizers.settings import TrainSettings

# A busy machine is no fault: nothing may depend on how long an example takes.
settings.register_profile("maksud", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("maksud")

# Programs that tests start inherit what is ignored here: under nohup, or behind a shell's "&",
# they would not hear the signals that tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

LONG = ("recognizers", "evaluation", "cli", "labelling")
"""Folders with files that take a minute, the longest first: begun last, one would keep the others
waiting."""

PLACES = [
    "Bandung",
    "Jakarta",
    "Medan",
    "Hangzhou",
    "Surabaya",
    "Ambon",
    "Bogor",
    "Solo",
    "Malang",
    "Padang",
]
SONGS = [
    "Hampa",
    "Bintang",
    "Laskar",
    "Kangen",
    "Rindu",
    "Senja",
    "Pelangi",
    "Cinta",
    "Mimpi",
    "Hujan",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the folders whose files take longest; `make test` hands whole files out."""
    tests = Path(__file__).parent
    order = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.relative_to(tests).parts[0], len(order)))


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models and tokens of a test go to its own place; nothing is fetched."""
    place = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MAKSUD_HOME", str(place))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("MAKSUD_TOKEN", raising=False)
    return place


@pytest.fixture(autouse=True, scope="session")
def arithmetic() -> Iterator[None]:
    """One verdict on every machine: float32, but where a test asks for bfloat16 itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAKSUD_PRECISION", "float32")
        yield


@pytest.fixture(scope="session")
def small_data() -> Dataset:
    """Three intents and `none()`, in the guide's positional style; 160 examples."""
    rows = []
    for k in range(40):
        place, song = PLACES[k % 10], SONGS[(k * 3) % 10]
        day = ("besok", "hari ini", "lusa", "nanti malam")[k // 10]
        rows.append(Example(f"bagaimana cuaca di {place} {day}", f"weather_search({place})"))
        rows.append(Example(f"tolong putar lagu {song} nomor {k}", f"play_music({song})"))
        rows.append(Example(f"kecilkan suaranya {k} kali {day}", "volume_down()"))
        rows.append(Example(f"siapa presiden ke {k} dari {place}", "none()"))
    return Dataset(rows, name="small").split(dev=0.2, test=0.2, seed=1)


@pytest.fixture(scope="session")
def compact_run(small_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A compact recognizer of `small_data`."""
    out = tmp_path_factory.mktemp("runs") / "compact"
    settings = TrainSettings(base="compact", seed=1, folds=0, kind=CompactSettings(epochs=40))
    return train(small_data, out=out, settings=settings)


@pytest.fixture(params=GUIDES)
def guide(request: pytest.FixtureRequest) -> Path:
    """A folder with scripts and samples in the shape of the guide's."""
    return GUIDES[request.param]

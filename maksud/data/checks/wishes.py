"""An acting row taken apart, and how the same words are said without wishing for it.

Rules for Indonesian and English that are careful rather than complete: what they do not know is
left alone, for a person is to read each sentence and should mostly agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maksud.data.checks.cues import CUES, LANGUAGES, collect_words
from maksud.language.folding import folded_words

LONGEST, WIDEST = 14, 150
"""Words, and characters, of a row that is taken apart, at most: of a story not all is the wish."""

INDONESIAN, ENGLISH = LANGUAGES

_OPENERS = re.compile(
    r"(?:(?:minta tolong|tolong|tlg|tolongin|mohon|coba|harap|silakan|silahkan|ayo|please|pls|plz|"
    r"kindly|just|hai|hi|hey|halo|hello|eh|oke|ok|okay|permisi|dong|kak|kakak|min|bang|sis|gan|"
    r"dan|terus|and|so|now)\b[\s,!.]*)+",
    re.IGNORECASE,
)
_MARKS = " ,;:!.?…"
"""What is left out at the end of a row."""
_CLOSER = re.compile(
    r"[\s,;:!.?…](?:ya|yah|dong|deh|donk|nih|gih|yuk|lah|kek|sih|please|pls|plz|plis|thanks|"
    r"thank you|bye|makasih|terima kasih|kak|min|bang|sis|gan|bro|mate|would you|will you)$",
    re.IGNORECASE,
)
_ASKING = {
    INDONESIAN: re.compile(
        r"(?:bisa|bisakah|boleh|bolehkah|dapatkah|maukah)\s+(?:(?:nggak|gak|ga|tidak|kamu|anda|"
        r"kau|lo|lu|kak|kakak|min|tolong|minta tolong|dibantu|bantu|saya|aku)\s+)*",
        re.IGNORECASE,
    ),
    ENGLISH: re.compile(
        r"(?:can|could|would|will)\s+(?:you|u|ya)\s+(?:(?:please|pls|kindly|just|maybe)\s+)*"
        r"|i\s+(?:want|need)\s+you\s+to\s+|(?:let|help)\s+me\s+(?:to\s+)?",
        re.IGNORECASE,
    ),
}
_ASKED = re.compile(r"\s+(?:nggak|gak|ga|tidak|kan)$", re.IGNORECASE)
"""What a question hangs on at its end: "bisa cek stok nggak"."""
_WISHES = {
    INDONESIAN: re.compile(
        r"(?P<who>saya|aku|gue|gw|gua|kami|kita)\s+(?P<wish>ingin|mau|pengen|pengin|pingin|hendak|"
        r"butuh|perlu)\s+(?P<rest>.+)",
        re.IGNORECASE,
    ),
    ENGLISH: re.compile(
        r"(?P<who>i|we)(?:\s+(?P<wish>want|need|wanna)|(?:'d|’d|\s+would)\s+(?P<like>like|love))"
        r"\s+(?P<rest>.+)",
        re.IGNORECASE,
    ),
}
_QUESTIONS = collect_words(
    "apa apakah siapa siapakah kapan kapankah berapa brp berapakah mana dimana kemana bagaimana "
    "bagaimanakah gimana gmn kenapa mengapa adakah emang kok "
    "what whats when whens where wheres who whos why how hows which whose is are am was were do "
    "does did has have had should shall may might can could would will wat wht"
)
_VERBS = {
    INDONESIAN: collect_words(
        "putar puter setel stel mainkan main play pause stop setop mulai start buka tutup cek "
        "lihat cari pasang atur set ubah ganti tambah tambahi kurangi naikkan turunkan telepon "
        "telpon telfon hubungi panggil call kirim buat bikin kasih beri tampilkan ingetin hapus "
        "batalkan batalin cancel tukar tuker retur ajukan lacak pesan beli bayar jadwalkan "
        "catat simpan dengarkan periksa hitung cabut colok aktifkan nonaktifkan matikan "
        "nyalakan hidupkan mtiin redupkan bacakan carikan terjemahkan kunci lanjutkan ulangi "
        "isi transfer blokir aktivasi daftar kembalikan lewati ceritakan temani tunjukkan "
        "lapor proses geser kecilin gedein nyetel puterin matiin nyalain"
    ),
    ENGLISH: collect_words(
        "play turn set switch put start stop pause make call dial ring phone remind wake add "
        "create give get show tell check find search look open close shut cancel change update "
        "send deliver ship return refund exchange swap replace track raise lower increase "
        "decrease reduce boost mute skip resume shuffle listen read book order buy pay transfer "
        "activate deactivate enable disable connect contact talk speak file report delete "
        "remove clear schedule move lock unlock dim brighten run begin end finish exit quit "
        "adjust power repeat text email message save list take bring let help translate "
        "convert calculate explain describe recommend suggest tweet post reply answer snooze "
        "download upload rate like dislike hail brew cook clean vacuum crank notify warn "
        "alert block freeze redeem apply submit verify confirm reset restart reserve count "
        "continue keep drop cut kill halt queue ask inform provide flip roll forward ping "
        "reroute redirect amend modify edit rename spell define share locate plug unplug"
    ),
}
_NOUNS = collect_words(
    "order refund change report transfer phone text book rate email message answer exchange "
    "return delivery file update post reply share count power light ring schedule block "
    "track search repeat boost"
)
"""Verbs that are nouns as often: only before a word of `_DETERMINERS` or a name they are verbs."""
_DETERMINERS = collect_words(
    "a an the my our your his her their this that these those it me us him them some all every "
    "up down back on off one another"
)
_TELLING = collect_words(
    "tell show check see find explain ask search look cek lihat kasih beri cari carikan "
    "sebutkan tampilkan periksa tunjukkan jelaskan tanyakan"
)
"""Verbs that a question may follow: "tell me how warm it is"."""
_INNER = collect_words(
    "berapa brp gimana gmn bagaimana kapan kenapa mengapa apakah apa how what whats when why who"
)
_NO_VERBS = collect_words(
    "bukan akan makan ikan jalan bulan ingin dingin angin kemarin mungkin lain yakin admin "
    "main dan kan pengin ruangan pesanan mesin kabin asin miskin cermin melain "
    "memang merah mereka meja metode menit menu member media mendung mesti meskipun melati "
    "merek masin rutin plugin login margin vitamin mandarin pendingin hampir sebelum "
    "kantin lilin izin batin menurut mengenai melalui"
)
_ENDS_A_VERB = re.compile(r"[a-z]{3,}(?:kan|in)|me[mnrl][a-z]{4,}")
_MINE = collect_words("aku saya gue gw gua kami kita ku me my us our mine")
_PAST = {
    **{"set": "set", "put": "put", "shut": "shut", "cut": "cut", "let": "let", "read": "read"},
    **{"make": "made", "ring": "rang", "wake": "woke", "give": "gave", "get": "got"},
    **{"tell": "told", "find": "found", "send": "sent", "buy": "bought", "pay": "paid"},
    **{"speak": "spoke", "begin": "began", "take": "took", "bring": "brought", "run": "ran"},
    **{"keep": "kept", "show": "showed", "stop": "stopped", "swap": "swapped", "ship": "shipped"},
    **{"skip": "skipped", "cancel": "cancelled", "dim": "dimmed", "drop": "dropped"},
    **{"flip": "flipped", "plug": "plugged", "unplug": "unplugged", "submit": "submitted"},
    **{"freeze": "froze", "quit": "quit", "spell": "spelled", "reset": "reset"},
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A row, taken apart: `said` is all of it, without marks at its end.

    `body` is the wish from its verb on ("nyalakan lampu teras"), "" where it does not begin with
    one. `rest` is what somebody (`who`) wants (`wish`), where the row says it so.
    """

    language: str
    said: str
    body: str = ""
    who: str = ""
    wish: str = ""
    rest: str = ""

    @property
    def form(self) -> str:
        """What is known of it: `body`, `rest`, or only what was `said`."""
        return "body" if self.body else "rest" if self.rest else "said"


@dataclass(frozen=True, slots=True)
class Wording:
    """A way to say it without wishing for it: what kind of way, of which form of a wish, how."""

    kind: str
    form: str
    text: str


def _wordings(kind: str, form: str, *texts: str) -> list[Wording]:
    return [Wording(kind, form, text) for text in texts]


WORDINGS: dict[str, list[Wording]] = {
    INDONESIAN: [
        *_wordings("negation", "body", "jangan {body}", "tolong jangan {body}", "jgn {body} ya"),
        *_wordings("negation", "body", "jangan dulu {body}", "mohon jangan {body}"),
        *_wordings("negation", "rest", "{who} {no} {wish} {rest}", "{who} belum {wish} {rest}"),
        *_wordings("unneeded", "body", "nggak usah {body}", "gak perlu {body}, makasih"),
        *_wordings("unneeded", "body", "tidak perlu {body}", "ga usah {body} ya"),
        *_wordings("unneeded", "rest", "sekarang {who} {no} {wish} {rest} lagi"),
        *_wordings("past", "body", "tadi {doer} sudah {body}", "barusan {doer} {body}"),
        *_wordings("past", "body", "kemarin {doer} udah {body}"),
        *_wordings("past", "rest", "kemarin {who} memang {wish} {rest}, sekarang {no} lagi"),
        *_wordings("report", "body", "tadi ibu nyuruh adik {body}", "katanya tadi ada yang {body}"),
        *_wordings("report", "body", "kemarin tetangga minta anaknya {body}"),
        *_wordings("cancel", "said", "{said}, eh nggak jadi", "{said}, eh gak jadi deh"),
        *_wordings("cancel", "said", "{said}, eh jangan, nggak jadi"),
        *_wordings("quote", "said", 'aku nggak sengaja ngetik "{said}"'),
        *_wordings("quote", "said", '"{said}" itu cuma contoh kalimat'),
        *_wordings("quote", "said", 'di stiker itu tertulis "{said}"'),
    ],
    ENGLISH: [
        *_wordings("negation", "body", "don't {body}", "please don't {body}", "do not {body}"),
        *_wordings("negation", "rest", "{who} don't {wish} {rest}"),
        *_wordings("unneeded", "body", "there's no need to {body}", "you don't have to {body}"),
        *_wordings("unneeded", "body", "no need to {body}, thanks"),
        *_wordings("unneeded", "rest", "{who} no longer {wish} {rest}"),
        *_wordings("past", "body", "{doer} already {past}", "a minute ago {doer} {past}"),
        *_wordings("past", "body", "yesterday {doer} {past}"),
        *_wordings("past", "rest", "yesterday {who} {wished} {rest}, now {who} don't"),
        *_wordings("report", "body", "my sister told him to {body}"),
        *_wordings("report", "body", "my neighbour said she forgot to {body}"),
        *_wordings("report", "body", "they asked somebody else to {body}"),
        *_wordings("cancel", "said", "{said}, no wait, never mind", "{said}, actually forget it"),
        *_wordings("cancel", "said", "{said} - no, scratch that"),
        *_wordings("quote", "said", 'I typed "{said}" by mistake'),
        *_wordings("quote", "said", '"{said}" is just an example sentence'),
        *_wordings("quote", "said", 'the sticker says "{said}"'),
    ],
}
KINDS = ("negation", "unneeded", "past", "report", "cancel", "quote")
"""Kinds of counter-examples, in the order in which they take turns."""


def read_wish(text: str, language: str) -> Wish | None:
    """A row's wish, in a language of `WORDINGS`; None where the row is better left alone: a
    question, a story, or one that has a cue already."""
    if len(text) > WIDEST:
        return None
    text = " ".join(text.split())
    words = folded_words(text)
    if not words or len(words) > LONGEST:
        return None
    if re.search(r"[.;:!?\"“”…]\s", text) or '"' in text or "“" in text:
        return None
    if not _INNER.isdisjoint(words) and _TELLING.isdisjoint(words):
        return None
    said = text.rstrip(_MARKS)
    inner = _closed(_opened(text))
    asking = _ASKING[language].match(inner)
    if asking is not None:
        inner = _ASKED.sub("", _opened(inner[asking.end() :]))
    if not CUES.isdisjoint(folded_words(inner)):
        return None
    if (body := _from_verb(inner, language)) and "?" not in body:
        return Wish(language, said, body=body)
    if asking is not None or folded_words(inner)[:1] and folded_words(inner)[0] in _QUESTIONS:
        return None
    wants = _WISHES[language].fullmatch(inner)
    if wants is not None and not text.endswith("?"):
        wish = wants["wish"] or "want"
        who = wants["who"]
        if language == ENGLISH:
            who = who.upper() if len(who) == 1 else who.lower()
            wish = "want to" if wish.casefold() == "wanna" else wish.lower()
        return Wish(language, said, who=_lowered(who), wish=wish, rest=wants["rest"])
    if not _MINE.isdisjoint(words) or text.endswith("?") or "i" in words:
        return None
    return Wish(language, said)


def _opened(text: str) -> str:
    """Without greetings and politeness before it."""
    opening = _OPENERS.match(text)
    rest = text[opening.end() :] if opening else text
    return rest or text


def _closed(text: str) -> str:
    """Without marks and politeness behind it."""
    rest = text.rstrip(_MARKS)
    while closing := _CLOSER.search(rest):
        rest = rest[: closing.start()].rstrip(_MARKS)
    return rest or text


def _from_verb(text: str, language: str) -> str:
    """The text, where it begins with a verb; "" else."""
    first, _, rest = text.partition(" ")
    word = first.casefold().strip(",")
    known = word in _VERBS[language]
    if language == INDONESIAN and not known:
        known = word not in _NO_VERBS and _ENDS_A_VERB.fullmatch(word) is not None
    following = rest.partition(" ")[0]
    if word in _NOUNS and following.casefold() not in _DETERMINERS and following.islower():
        return ""
    # A verb alone, or one behind a comma: an exclamation rather than a sentence.
    return _lowered(text) if known and rest and not first.endswith(",") else ""


def _lowered(text: str) -> str:
    """Without a capital that only the beginning of a sentence gave."""
    first = text.partition(" ")[0]
    return text if first == "I" or first[1:] != first[1:].lower() else text[0].lower() + text[1:]


def word_without_wishing(wish: Wish, wording: Wording) -> str:
    """The words of a wish in a wording of its form (or of what was `said`)."""
    # "tadi aku sudah ingatkan saya" says nobody: who is told of himself tells of another.
    mine = not _MINE.isdisjoint(folded_words(wish.body))
    if wish.language == INDONESIAN:
        doer, past, wished = "kamu" if mine else "aku", "", ""
        no = "tidak" if wish.who in ("saya", "kami") else "nggak"
    else:
        doer, no = "you" if mine else "I", "not"
        past, wished = _in_the_past(wish.body), _in_the_past(wish.wish)
    return wording.text.format(
        said=wish.said,
        body=wish.body,
        past=past,
        doer=doer,
        no=no,
        who=wish.who,
        wish=wish.wish,
        wished=wished,
        rest=wish.rest,
    )


def _in_the_past(text: str) -> str:
    verb, blank, rest = text.partition(" ")
    return past_of(verb) + blank + rest


def past_of(verb: str) -> str:
    """An English verb in the past: "played", "put", "told"."""
    if not verb or verb in _PAST:
        return _PAST.get(verb, "")
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in ("a", "e", "o", "u"):
        return verb[:-1] + "ied"
    return verb + "ed"


def wordings_of(wish: Wish, kind: str) -> Sequence[Wording]:
    """The wordings of a kind that a wish can be put in."""
    forms = (wish.form, "said")
    return [w for w in WORDINGS[wish.language] if w.kind == kind and w.form in forms]

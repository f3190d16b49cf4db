"""What the pages say, in Indonesian and English, each text once; and what the catalog and the
store say, in Indonesian, by the form of the message or its code."""

from __future__ import annotations

import re

from maksud.errors import MaksudError
from maksud.labelling.web.assist_wording import ASSIST_TEXTS
from maksud.labelling.web.saying import say, say_place
from maksud.labelling.web.sayings import FILES
from maksud.labelling.web.words_of_design import DESIGN, MESSAGES

TEXTS: dict[str, tuple[str, str]] = {
    # name: (Indonesian, English)
    "title": ("Pelabelan", "Labelling"),
    "tasks": ("Tugas", "Tasks"),
    "people": ("Orang", "People"),
    "new_task": ("Tugas baru", "New task"),
    "sign_out": ("Keluar", "Sign out"),
    "skip_to_content": ("Langsung ke isi", "Skip to content"),
    "other_language": ("English", "Bahasa Indonesia"),
    "sign_in_title": ("Masuk", "Sign in"),
    "sign_in_ready": (
        "Tautan ini membuka sesi Anda di peramban ini, sekali saja.",
        "This link signs you in, in this browser, once.",
    ),
    "sign_in_button": ("Masuk", "Sign in"),
    "sign_in_lacking": (
        "Mintalah tautan masuk kepada admin, lalu buka tautan itu di sini.",
        "Ask an admin for a link to sign in, and open it here.",
    ),
    "no_tasks": ("Belum ada tugas untuk Anda.", "There is no task for you yet."),
    "no_tasks_leader": (
        "Belum ada tugas. Tugas terdiri atas data, orang, dan tahapnya: buat yang pertama.",
        "There is no task yet. A task is data, people and stages: make the first one.",
    ),
    "no_tasks_labeller": (
        "Begitu pemimpin menambahkan Anda ke sebuah tugas, tugas itu muncul di sini.",
        "As soon as a leader adds you to a task, it shows here.",
    ),
    "items": ("butir", "items"),
    "finished": ("selesai", "finished"),
    "state_label": ("menunggu label", "to label"),
    "state_judge": ("menunggu putusan", "to decide"),
    "state_check": ("menunggu pemeriksaan", "to check"),
    "state_accept": ("menunggu penerimaan", "to accept"),
    "state_done": ("selesai", "done"),
    "state_abandoned": ("ditinggalkan", "abandoned"),
    "archived": ("diarsipkan", "archived"),
    "go_label": ("Labeli", "Label"),
    "go_judge": ("Putuskan", "Decide"),
    "go_check": ("Periksa", "Check"),
    "go_accept": ("Terima", "Accept"),
    "details": ("Rincian", "Details"),
    "votes_of": ("{n} orang per butir, {m} harus sama", "{n} people an item, {m} must agree"),
    # the labelling page
    "utterance": ("Ujaran", "Utterance"),
    "words_help": (
        "Pilih kata (klik, sentuh, seret, atau panah dan spasi), lalu isi parameter.",
        "Select words (click, tap, drag, or arrows and space), then fill a parameter.",
    ),
    "chosen_words": ("Terpilih: {text}", "Selected: {text}"),
    "trim": ("Potong akhiran", "Cut the ending"),
    "turns": ("Percakapan", "Conversation"),
    "suggestions": ("Saran", "Suggestions"),
    "labels": ("Label", "Labels"),
    "from_data": ("dari data", "from the data"),
    "answer": ("Jawaban", "Answer"),
    "no_call": (
        "Belum ada panggilan. Cari sebuah maksud di bawah, atau tulis teksnya.",
        "No call yet. Search for an intent below, or write the text.",
    ),
    "add_call": ("Cari maksud", "Search for an intent"),
    "search_hint": (
        "nama, keterangan, atau contoh",
        "name, description or example",
    ),
    "no_intent": ("Tidak ada yang cocok", "Nothing matches"),
    "new_intent": ("Maksud baru: {name}", "New intent: {name}"),
    "out_of_scope": ("Di luar cakupan", "Out of scope"),
    "remove_call": ("Hapus panggilan {name}", "Remove the call {name}"),
    "remove_value": ("Hapus nilai {name}", "Remove the value {name}"),
    "fill": ("Isi {name} dengan kata terpilih", "Fill {name} with the selected words"),
    "add_value": ("Tambah nilai", "Add a value"),
    "value_of": ("Nilai {name}", "Value of {name}"),
    "value": ("nilai", "value"),
    "parameter_name": ("nama parameter", "parameter name"),
    "required": ("wajib", "required"),
    "choose": ("(pilih)", "(choose)"),
    "fits": ("Sesuai katalog", "Fits the catalog"),
    "call_text": ("Teks panggilan", "Call text"),
    "free_text": ("Jawaban", "Answer"),
    "comment": ("Catatan (boleh kosong)", "Remark (may be empty)"),
    "save": ("Simpan", "Save"),
    "approve": ("Setujui", "Approve"),
    "skip": ("Lewati", "Skip"),
    "abandon": ("Tinggalkan", "Abandon"),
    "send_back": ("Kembalikan", "Send back"),
    "undo": ("Kembali", "Back"),
    "cancel": ("Batal", "Cancel"),
    "reason_abandon": ("Mengapa tidak dapat dilabeli?", "Why can't it be labelled?"),
    "reason_send_back": ("Apa yang perlu diperbaiki?", "What should be mended?"),
    "all_done": ("Tidak ada lagi yang menunggu di sini.", "Nothing waits here any more."),
    "all_done_hint": (
        "Yang tersisa menunggu orang lain, atau sedang di tangan mereka dan dapat kembali nanti.",
        "What is left waits for others, or is in their hands and may come back later.",
    ),
    "try_again": ("Lihat lagi", "Look again"),
    "back_to_tasks": ("Kembali ke tugas", "Back to the tasks"),
    "remarked": ("Catatan: {text}", "Remark: {text}"),
    "was_sent_back": ("Dikembalikan: {reason}", "Sent back: {reason}"),
    "saved": ("Tersimpan: {text}", "Saved: {text}"),
    "skipped": ("Dilewati", "Skipped"),
    "abandoned_now": ("Ditinggalkan", "Abandoned"),
    "sent_back_now": ("Dikembalikan", "Sent back"),
    "revising": ("Anda mengubah jawaban Anda sendiri", "You are changing your own answer"),
    "mine": ("Yang saya kerjakan", "What I did"),
    "nothing_mine": ("Belum ada.", "Nothing yet."),
    "keys": ("Tombol", "Keys"),
    "keys_help": (
        "1–9 saran (atau parameter, bila kata terpilih) · - potong akhiran · / cari · "
        "0 di luar cakupan · "
        "Enter simpan · S lewati · A tinggalkan · U kembali",
        "1–9 suggestions (or parameters, with words selected) · - cut the ending · / search · "
        "0 out of scope · "
        "Enter save · S skip · A abandon · U back",
    ),
    "keys_check": (
        "1–9 ambil sebuah label · Enter setujui · R kembalikan · U kembali",
        "1–9 take a label · Enter approve · R send back · U back",
    ),
    "offline": (
        "Jaringan terputus. Jawaban Anda disimpan di sini dan dikirim lagi.",
        "The network is gone. Your answer is kept here and sent again.",
    ),
    "guide": ("Panduan", "What to bear in mind"),
    "nothing_selected": ("Pilih kata di ujaran dahulu.", "Select words in the utterance first."),
    "proposal": ("Usulan", "Proposal"),
    "labelled_by": ("oleh {name}", "by {name}"),
    "abandon_vote": ("tidak dapat dilabeli: {reason}", "can't be labelled: {reason}"),
    "history": ("Riwayat", "History"),
    # a task
    "progress": ("Kemajuan", "Progress"),
    "agreement": ("Kesepakatan", "Agreement"),
    "agreement_none": (
        "Angka kesepakatan muncul bila satu butir dilabeli dua orang atau lebih.",
        "Figures of agreement show once an item was labelled by two people or more.",
    ),
    "equal_pairs": ("pasangan yang sama", "pairs that agree"),
    "cohen": ("kappa Cohen (rerata)", "Cohen's kappa (mean)"),
    "fleiss": ("kappa Fleiss", "Fleiss' kappa"),
    "krippendorff": ("alfa Krippendorff", "Krippendorff's alpha"),
    "name": ("Nama", "Name"),
    "role": ("Peran", "Role"),
    "count_labels": ("Label", "Labels"),
    "count_checked": ("Diperiksa", "Checked"),
    "accuracy": ("Tepat", "Right"),
    "seconds": ("Detik per butir", "Seconds an item"),
    "confirmed": ("Saran diterima", "Suggestions taken"),
    "corrected": ("Saran diubah", "Suggestions changed"),
    "export": ("Ekspor", "Export"),
    "export_help": (
        "Yang sudah selesai, sebagai berkas; pelabelan boleh berjalan terus.",
        "What is finished, as a file; labelling may go on meanwhile.",
    ),
    "format_json": ("JSON pelatihan", "Training JSON"),
    "format_itag": ("Manifes iTAG", "iTAG manifest"),
    "format_jsonl": ("JSON Lines", "JSON Lines"),
    "format_csv": ("CSV", "CSV"),
    "format_label-studio": ("Label Studio", "Label Studio"),
    "keep_version": ("Simpan sebagai versi set data", "Keep as a version of a dataset"),
    "kept": ("Tersimpan sebagai {version}", "Kept as {version}"),
    "all_items": ("Semua butir", "All items"),
    "more": ("Berikutnya", "Next"),
    "reopen": ("Buka lagi", "Open again"),
    "archive": ("Arsipkan", "Archive"),
    "unarchive": ("Buka arsip", "Take out of the archive"),
    # a new task
    "step_data": ("1. Data", "1. Data"),
    "step_task": ("2. Tugas", "2. Task"),
    "file": ("Berkas (manifes, JSON, CSV, …)", "File (manifest, JSON, CSV, …)"),
    "dataset_name": ("Nama set data", "Name of the dataset"),
    "columns": ("Kolom", "Columns"),
    "columns_help": (
        "Untuk tabel dan JSON. Biarkan kosong bila namanya lazim, seperti text dan label.",
        "Of tables and JSON. Leave empty what has a usual name, such as text and label.",
    ),
    "utterance_column": ("Kolom ujaran", "Column of the utterance"),
    "answer_column": ("Kolom jawaban", "Column of the answer"),
    "unlabelled": ("Belum ada jawaban", "No row has an answer yet"),
    "register": ("Daftarkan", "Register"),
    "dataset": ("Set data", "Dataset"),
    "no_datasets": ("Belum ada set data: daftarkan dahulu.", "No dataset yet: register one first."),
    "rows": ("baris", "rows"),
    "task_name": ("Nama tugas", "Name of the task"),
    "template": ("Templat", "Template"),
    "stages": ("Tahap setelah pelabelan", "Stages after labelling"),
    "with_check": ("Pemeriksaan", "Checking"),
    "with_accept": ("Penerimaan", "Acceptance"),
    "votes": ("Orang per butir", "People for each item"),
    "agree": ("Yang harus sama (0: lebih dari setengah)", "Who must agree (0: more than half)"),
    "open_catalog": (
        "Maksud baru boleh dipakai (bila data belum punya katalog, selalu)",
        "New intents may be used (without a catalog in the data: always)",
    ),
    "shuffled": ("Urutan acak", "Random order"),
    "create": ("Buat tugas", "Make the task"),
    # people
    "invite": ("Undang", "Invite"),
    "invite_help": (
        "Tautan undangan terbuka sekali dan ditampilkan hanya sekarang.",
        "An invitation's link opens once, and is shown only now.",
    ),
    "new_link": ("Tautan masuk baru", "New link to sign in"),
    "link_is": ("Tautan untuk {name}:", "Link for {name}:"),
    "role_annotator": ("pelabel", "annotator"),
    "role_leader": ("pemimpin", "leader"),
    "role_admin": ("admin", "admin"),
    "disable": ("Tutup akses", "Let in no more"),
    "enable": ("Buka akses", "Let in again"),
    "disabled": ("tanpa akses", "without access"),
    "reason.unintelligible": ("tidak dapat dipahami", "unintelligible"),
    "reason.personal data": ("data pribadi", "personal data"),
    "reason.not in this language": ("bukan bahasa ini", "not in this language"),
    "kind_answer": ("jawaban", "answer"),
    "kind_abandon": ("ditinggalkan", "abandoned"),
    "kind_reject": ("dikembalikan", "sent back"),
    "kind_reopen": ("dibuka lagi", "opened again"),
    "kind_skip": ("dilewati", "skipped"),
    "kind_doubt": ("diragukan", "doubted"),
    "not_found": ("Tidak ada di sini", "Not here"),
    "fault": ("Tidak dapat dilakukan", "This can't be done"),
    # messages by their code
    "code.lease_lost": (
        "Waktu untuk butir ini habis dan butir dikembalikan. Jawaban Anda belum tersimpan.",
        "",
    ),
    "code.taken": ("Butir ini sedang di tangan orang lain.", ""),
    "code.decided_already": ("Orang lain sudah memutuskan butir ini.", ""),
    "code.labelled_already": ("Anda sudah melabeli butir ini.", ""),
    "code.moved_on": ("Butir ini sudah berpindah tahap. Ambil yang berikutnya.", ""),
    "code.no_reason": ("Tuliskan alasannya.", ""),
    "code.archived": ("Tugas ini diarsipkan.", ""),
    "code.forbidden": ("Peran Anda tidak mencakup ini.", ""),
    "code.no_people": ("Tugas ini kekurangan orang.", ""),
    "code.no_rows": ("Belum ada yang dapat diambil.", ""),
    "code.name_taken": ("Nama ini sudah dipakai.", ""),
    "code.disk_full": ("Disk penuh: tidak ada yang tersimpan. Kosongkan ruang, kirim lagi.", ""),
    "code.store_busy": ("Basis data sedang sibuk. Coba lagi sebentar.", ""),
    "code.body_too_large": ("Berkas terlalu besar. Daftarkan dengan `maksud label add`.", ""),
    "code.invalid_link": ("Tautan ini sudah dipakai atau kedaluwarsa. Minta yang baru.", ""),
    "code.not_signed_in": ("Sesi berakhir. Masuklah lagi.", ""),
    "code.last_admin": ("Ini admin terakhir.", ""),
}

_MESSAGES = (
    (r"intent '(.+?)' is not in the catalog\.", r"Maksud '\1' tidak ada di katalog."),
    (r"^New intent: (.+)$", r"Maksud baru: \1"),
    (r"(\S+) has no parameter '(.+?)'\.", r"\1 tidak punya parameter '\2'."),
    (r"(\S+): (\S+)=(.+) is not among the values\.", r"\1: \2=\3 bukan salah satu nilainya."),
    (r"(\S+): (\S+)=(.+) is not true or false", r"\1: \2=\3 bukan true atau false"),
    (r"(\S+): (\S+)=(.+) is not in the utterance", r"\1: \2=\3 tidak ada di ujaran"),
    (r"(\S+): (\S+)=(.+) is not a number", r"\1: \2=\3 bukan angka"),
    (r"(\S+): (\S+) is given (\d+) times, and may stand once",
     r"\1: \2 diberikan \3 kali, padahal hanya boleh sekali"),
    (r"(\S+) takes (\d+) parameters; the value (.+) is one too many",
     r"\1 punya \2 parameter; nilai \3 berlebih"),
    (r"(\S+) lacks (\S+): it would be asked for", r"\1 belum punya \2: akan ditanyakan"),
    (r"the answer is empty", "jawaban kosong"),
    (r"the text ends at character (\d+)", r"teks berakhir di karakter \1"),
    (r"found (.+) at character (\d+)", r"ada \1 di karakter \2"),
    (r"none\(\) stands beside another call", "none() berdiri di samping panggilan lain"),
    (r"expected '(.+?)' after '(.+?)'", r"setelah '\2' harus ada '\1'"),
    (r"expected '(.)' or '(.)'", r"harus ada '\1' atau '\2'"),
    (r"expected ';' or the end after '\)'", "setelah ')' harus ada ';' atau akhir jawaban"),
    (r"none\(\) must stand alone", "none() harus berdiri sendiri"),
    (r"none\(\) takes no arguments", "none() tidak menerima nilai"),
    (r"a quoted value is not a JSON string", "nilai dalam tanda kutip bukan string JSON"),
    (r"a quoted value holds half a surrogate pair", "nilai dalam tanda kutip memuat huruf rusak"),
    (r"\bClose (it|the call) with ", "Tutup dengan "),
    (r"\bRemove the last ", "Hapus "),
    (r" for an empty one\b", " untuk nilai kosong"),
    (r" for \"out of scope\"", " bila di luar cakupan"),
    (r"\bThere are none\b", "Belum ada"),
    (r"(\S) and (\d+) more$", r"\1 dan \2 lagi"),
    (r"\bis not a name\b", "bukan nama"),
    (r"\bLeave out spaces and ", "Tanpa spasi dan "),
    (r"\bparameter '(.+?)' is declared twice", r"parameter '\1' dinyatakan dua kali"),
    (r"\bparameter '(.+?)' has type '(.*?)'", r"jenis parameter '\1' adalah '\2'"),
    (r"\ban enumeration, and only that, lists its values",
     "hanya enumerasi yang menyebut nilainya, dan selalu"),
    (r"expected an intent name", "harus ada nama maksud"),
    (r"expected a value", "harus ada nilai"),
    (r"expected a parameter name", "harus ada nama parameter"),
    (r"expected a call after ';'", "setelah ';' harus ada panggilan"),
    (r"\bNearest: ", "Terdekat: "),
    (r"\bKnown: ", "Yang ada: "),
    (r"\bWrite ", "Tulis "),
    (r", but ", ", tetapi "),
    (r"^a ", ""),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+ ")
_FILE = re.compile(r"(E-[A-Z]+)\b")
_COMPILED = tuple((re.compile(pattern), new) for pattern, new in (*MESSAGES, *_MESSAGES))


def texts_of(language: str) -> dict[str, str]:
    """Every text in a language; those that one lacks are left out."""
    place = 0 if language == "id" else 1
    texts = TEXTS | DESIGN | ASSIST_TEXTS
    return {name: both[place] for name, both in texts.items() if both[place]}


def say_message(message: str, language: str) -> str:
    """What the catalog, the call language or a form says, in a language."""
    if language != "id":
        return message
    whole = say(message, language, shaped=False)
    if whole is not None:
        return whole
    told = message
    for pattern, new in _COMPILED:
        told = pattern.sub(new, told)
    return (say(message, language) or message) if told == message else told


def say_line(line: str, language: str) -> str:
    """A line that was kept as it was told, with its next step behind it, in a language."""
    first, stop, rest = line.partition(". ")
    return say_message(first, language) + stop + (say_message(rest, language) if rest else "")


def say_error(error: MaksudError, language: str, code: str = "") -> str:
    """A refusal as one line, as `str(error)` is, in a language. What has no translation is told by
    its code, or else in English behind a lead."""
    if language != "id":
        return str(error)
    hint = say(error.hint, language) or say_message(error.hint, language)
    message = say(error.message, language) or say_message(error.message, language)
    if message == error.message:
        found = _FILE.match(message)
        if found is not None and found[1] in FILES:
            message = f"{FILES[found[1]]} ({error.message})"
            hint = "" if hint == error.hint else hint  # the sentence says what to do
        elif f"code.{code}" in TEXTS | DESIGN | ASSIST_TEXTS:
            return (TEXTS | DESIGN | ASSIST_TEXTS)[f"code.{code}"][0]
        else:
            message = f"tidak dapat dilakukan ({error.message})"
    where = say_place(error.where, language)
    if not where and _WORD.match(message):
        message = message[:1].upper() + message[1:]
    told = f"{where}: {message}" if where else message
    return " ".join((f"{told.rstrip('.')}. {hint}" if hint else told).split())


def say_reason(reason: str, language: str) -> str:
    """A reason that templates offer by themselves, in a language; any other as it is."""
    return texts_of(language).get(f"reason.{reason}", reason)

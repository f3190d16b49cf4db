"""What the pages about help from the model and about quality say, in Indonesian and English."""

from __future__ import annotations

ASSIST_TEXTS: dict[str, tuple[str, str]] = {
    # name: (Indonesian, English)
    "help": ("Bantuan model", "Help from the model"),
    "help_more": ("Bantuan model dan urutan", "Help from the model, and order"),
    "quality": ("Mutu", "Quality"),
    "order": ("Urutan antrean", "Order of the queue"),
    "order_is": ("Urutan:", "Order:"),
    "order_file": ("seperti berkas", "as in the file"),
    "order_random": ("sampel acak", "random sample"),
    "order_uncertain": (
        "yang paling diragukan model, tersebar; acak sebelum model belajar",
        "what the model doubts most, spread out; random until it has learnt",
    ),
    "seed": ("Benih acak", "Random seed"),
    "blind": ("Persen butir tanpa saran", "Per cent of items without suggestions"),
    "every": (
        "Belajar lagi setelah sekian label (0: tidak sendiri)",
        "Learn again after so many labels (0: not by itself)",
    ),
    "gold_every": ("Satu butir emas tiap sekian", "One gold item in so many"),
    "base": ("Belajar juga dari set data", "Learn from this dataset too"),
    "base_none": ("(tidak)", "(none)"),
    "change": ("Ubah", "Change"),
    "learning": ("Model tugas ini", "The task's recognizer"),
    "learn_now": ("Latih sekarang", "Train now"),
    "learn_help": (
        "Model belajar dari label yang disepakati, dalam proses tersendiri; model lama tetap "
        "memberi saran sampai yang baru siap.",
        "It learns from agreed labels, in a process of its own; the one before goes on "
        "suggesting until the new one is ready.",
    ),
    "learn_never": ("Belum pernah belajar.", "It has not learnt yet."),
    "agreed_labels": ("label disepakati", "agreed labels"),
    "next_at": ("belajar lagi pada", "learns again at"),
    "job_running": ("berjalan", "running"),
    "job_done": ("selesai", "done"),
    "job_failed": ("gagal", "failed"),
    "job_stopped": ("dihentikan", "stopped"),
    "learnt_from": (
        "belajar dari {n} contoh dalam {s} detik; {first} butir didahulukan",
        "learnt from {n} examples in {s} seconds; {first} items put first",
    ),
    "held_out": ("{share} tepat pada contoh yang disisihkan", "{share} right on held-out examples"),
    "per_hour": ("Butir per jam", "Items an hour"),
    "gold": ("Butir emas", "Gold items"),
    "gold_right": ("Tepat (emas)", "Right (gold)"),
    "checked_right": ("Tepat (diperiksa)", "Right (checked)"),
    "likewise_count": ("Dijawab sama", "Answered likewise"),
    "gold_help": (
        "Butir dengan jawaban yang sudah diketahui, tanpa tanda di antrean. Berkas berlabel, "
        "format apa pun.",
        "Items whose answer is known, unmarked in the queue. A labelled file of any format.",
    ),
    "gold_file": ("Berkas berlabel", "Labelled file"),
    "gold_add": ("Tambahkan", "Add"),
    "gold_drop": ("Jadikan butir biasa", "Make it an ordinary item"),
    "gold_none": ("Belum ada butir emas.", "There are no gold items yet."),
    "anchoring": ("Pengaruh saran", "What suggestions do"),
    "anchoring_help": (
        "Bila orang tidak terpengaruh, jawaban sama dengan saran pertama sesering tanpa "
        "melihatnya.",
        "People who are not swayed answer as the first suggestion does as often without "
        "seeing it.",
    ),
    "side_with": ("saran terlihat", "suggestion shown"),
    "side_without": ("saran disembunyikan", "suggestion held back"),
    "equal_suggestion": ("Sama dengan saran", "Same as the suggestion"),
    "pairs_agree": ("Pasangan yang sama", "Pairs that agree"),
    "confusion": ("Maksud yang tertukar", "Intents that are confused"),
    "confusion_between": ("Antar pelabel", "Between labellers"),
    "confusion_decided": ("Label dan pemeriksaan", "Labels and checks"),
    "confusion_read": (
        "Baris: satu pelabel; kolom: pelabel lain (atau hasil pemeriksaan). Diagonal: sama.",
        "Rows: one labeller; columns: the other (or what the check made of it). Diagonal: equal.",
    ),
    "confusion_none": ("Belum ada yang tertukar.", "Nothing is confused yet."),
    "compare": ("Bandingkan", "Compare"),
    "anybody": ("siapa pun", "anybody"),
    "and": ("dengan", "with"),
    "show": ("Tampilkan", "Show"),
    "left_out": ("{n} maksud lain tidak ditampilkan", "{n} other intents are not shown"),
    "doubts": ("Label yang diragukan", "Doubted labels"),
    "doubts_help": (
        "Jaringan yang tidak pernah melihat label itu membacanya lain. Yang paling "
        "mencurigakan di atas.",
        "Networks that never saw these labels read them otherwise. The most suspicious first.",
    ),
    "doubts_find": ("Cari label yang keliru", "Look for label errors"),
    "doubts_send": ("Kirim kembali untuk dilihat lagi", "Send back for a second look"),
    "doubts_count": ("Berapa", "How many"),
    "doubts_none": ("Tidak ada yang diragukan.", "Nothing is doubted."),
    "doubts_found": ("{judged} label dinilai, {found} diragukan",
                     "{judged} labels judged, {found} doubted"),
    "more_likely": ("lebih mungkin", "more likely"),
    # near-identical utterances
    "alike": ("Hampir sama dengan yang baru dijawab", "Nearly the same as what you just answered"),
    "alike_answer": ("Jawab sama: {text}", "Answer likewise: {text}"),
    "alike_send": ("Jawab sama", "Answer likewise"),
    "alike_leave": ("Biarkan", "Leave them"),
    "alike_done": ("{n} ujaran dijawab sama", "{n} utterances answered likewise"),
    "alike_refused": ("{n} tidak dapat", "{n} could not be"),
    "code.too_few_labels": ("Label yang disepakati masih terlalu sedikit.", ""),
    "code.job_running": ("Sedang dikerjakan. Tunggu sampai selesai.", ""),
    "code.not_alike": ("Ujaran ini tidak cukup mirip. Jawab tersendiri.", ""),
}  # fmt: skip

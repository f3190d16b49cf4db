"""What the pages about templates, packages and proposals say, in Indonesian and English."""

from __future__ import annotations

DESIGN: dict[str, tuple[str, str]] = {
    # name: (Indonesian, English)
    "templates": ("Templat", "Templates"),
    "new_template": ("Templat baru", "New template"),
    "template_name": ("Nama templat", "Name of the template"),
    "template_help": (
        "Templat menentukan yang dilihat pelabel dan yang ditanyakan. Nama yang sama menjadi "
        "versi baru; tugas tetap memakai versi saat tugas itu dibuat.",
        "A template says what labellers see and what they are asked. The same name makes a new "
        "version; a task keeps the version that it was made with.",
    ),
    "version_of": ("versi {n}", "version {n}"),
    "edit": ("Ubah", "Edit"),
    "copy": ("Salin", "Copy"),
    "template_text": ("Templat (YAML atau JSON)", "Template (YAML or JSON)"),
    "preview": ("Pratinjau", "Preview"),
    "preview_row": ("Baris contoh dari", "Row to look at from"),
    "sample_row": ("contoh", "a sample"),
    "add_question": ("Tambah", "Add"),
    "kind_calls": ("kartu maksud", "intent card"),
    "kind_input": ("isian bebas", "free input"),
    "kind_choice": ("pilihan tunggal", "single choice"),
    "kind_choices": ("pilihan ganda", "multiple choice"),
    "kind_span": ("penanda kata", "words to mark"),
    "add_conversation": ("percakapan", "conversation"),
    "lacking": ("Data ini tidak punya: {fields}", "This data lacks: {fields}"),
    "save_template": ("Simpan templat", "Save the template"),
    "preview_calls": (
        "Di sini kartu maksud: cari maksud, pilih kata, isi parameter.",
        "Here is the intent card: search for intents, select words, fill parameters.",
    ),
    "preview_answer": ("Jawaban yang disimpan", "The answer as it is kept"),
    "span_help": (
        "Pilih kata di ujaran, lalu labelnya.",
        "Select words in the utterance, then their label.",
    ),
    "open_turn": ("masih terbuka", "still open"),
    "role_user": ("pengguna", "user"),
    "role_assistant": ("asisten", "assistant"),
    "role_system": ("sistem", "system"),
    "role_tool": ("alat", "tool"),
    "needed": ("Perlu jawaban", "An answer is needed"),
    "from_url": ("Dari alamat (https, s3, oss)", "From an address (https, s3, oss)"),
    "url": ("Alamat", "Address"),
    "register_url": ("Ambil dari alamat", "Take it from the address"),
    "file_too_large": (
        "Berkas terlalu besar. Daftarkan dengan `maksud label add`.",
        "The file is too large. Register it with `maksud label add`.",
    ),
    "code.invalid_url": ("Alamat ini tidak dapat dibaca dari sini. Unggah berkasnya.", ""),
    # proposals
    "proposals": ("Usulan katalog", "Proposals to the catalog"),
    "no_proposals": ("Belum ada usulan.", "Nothing was proposed yet."),
    "no_proposals_hint": (
        "Pelabel mengusulkan maksud dan parameter baru dari pencarian maksud.",
        "Labellers propose new intents and parameters where they search for intents.",
    ),
    "proposal_waiting": ("menunggu", "waits"),
    "proposal_approved": ("disetujui", "approved"),
    "proposal_merged": ("digabung", "merged"),
    "proposal_refused": ("ditolak", "refused"),
    "merge_into": ("Sebenarnya ini", "It really is"),
    "merge": ("Gabungkan", "Merge"),
    "why_refused": ("Mengapa ditolak", "Why it is refused"),
    "refuse": ("Tolak", "Refuse"),
    "catalog_versions": ("Versi katalog", "Versions of the catalog"),
    "propose": ("Usulkan", "Propose"),
    "propose_this": ("Usulkan maksud baru: {name}", "Propose a new intent: {name}"),
    "propose_intent": ("Maksud baru", "A new intent"),
    "propose_parameter": ("Usulkan parameter untuk {name}", "Propose a parameter of {name}"),
    "propose_description": ("Artinya", "What it means"),
    "propose_help": (
        "Langsung dapat dipakai; pemimpin menyetujui, menggabungkan, atau menolaknya.",
        "It may be used at once; a leader approves, merges or refuses it.",
    ),
    "proposed": ("Diusulkan, dan dapat dipakai", "Proposed, and ready to be used"),
    # packages
    "packages": ("Paket", "Packages"),
    "package_of": ("Paket {n}", "Package {n}"),
    "packing": ("Paket dan tenggat", "Packages and deadline"),
    "pack_by": ("Bagi butir menurut", "Pack items by"),
    "pack_none": ("tanpa paket", "no packages"),
    "pack_size": ("butir per paket", "items of a package"),
    "pack_count": ("jumlah paket", "number of packages"),
    "pack_field": ("nilai sebuah bidang", "values of a field"),
    "pack_value": ("Berapa, atau nama bidang", "How many, or the field's name"),
    "hold_hours": ("Jam sebuah paket dipegang", "Hours that a package is held"),
    "sample": ("Persen yang diperiksa saat menerima", "Per cent looked at to accept"),
    "deadline": ("Tenggat", "Deadline"),
    "deadline_at": ("Tenggat (boleh kosong)", "Deadline (may be empty)"),
    "overdue": ("sudah lewat", "is over"),
    "no_packages": ("Tidak ada paket untuk Anda di sini.", "There is no package for you here."),
    "no_packages_hint": (
        "Paket yang bebas muncul begitu seseorang mengembalikannya.",
        "Free packages show as soon as somebody gives one back.",
    ),
    "verdict_accepted": ("diterima", "accepted"),
    "verdict_refused": ("ditolak", "refused"),
    "still_sampled": ("{n} contoh belum diperiksa", "{n} of the sample to look at"),
    "held_until": ("memegang sampai", "holds it until"),
    "assigned": ("ditugaskan", "was assigned"),
    "give_back": ("Kembalikan", "Give back"),
    "take_package": ("Ambil paket", "Take the package"),
    "accept_package": ("Terima paket", "Accept the package"),
    "refuse_package": ("Tolak paket", "Refuse the package"),
    "more_of_package": ("Tugaskan atau tolak", "Assign or refuse"),
    "assign_to": ("Berikan kepada", "Give to"),
    "instead_of": ("menggantikan", "instead of"),
    "assign": ("Tugaskan", "Assign"),
    "code.invalid_terms": (
        "Ketentuan ini tidak mungkin: sebutkan butir per paket, jumlah paket (1 atau lebih, tidak "
        "melebihi butirnya), atau nama bidang; contoh hanya untuk paket dalam tugas dengan "
        "penerimaan.",
        "",
    ),
    "code.not_your_package": ("Butir ini ada di paket orang lain.", ""),
    "code.missing_field": (
        "Data tidak punya bidang yang ditampilkan templat. Pilih templat lain, atau daftarkan data "
        "yang memilikinya.",
        "",
    ),
}

MESSAGES = (
    (r"\bis none of the options", "bukan salah satu pilihan"),
    (r"\bdoes not fit the pattern\b", "tidak sesuai pola"),
    (r"\ban answer is needed", "perlu jawaban"),
    (r"\bhas more than ([\d,]+) characters", r"lebih dari \1 karakter"),
)
"""What answers to questions are told, by the form of the message, and in Indonesian."""

"""What the demo asks of each served model, and what is right. None of it is in the shipped data."""

from __future__ import annotations

Question = tuple[str, str, tuple[str, ...], str]
"""A label, the language, the user's turns, and the right answer to all of them together."""

_VOICE: tuple[Question, ...] = (
    ("one wish", "id", ("Saya ingin mendengarkan musik",), "play_music()"),
    ("one wish", "id", ("Periksa prakiraan cuaca Hangzhou",), "weather_search(location=Hangzhou)"),
    (
        "one wish",
        "en",
        ("could you switch off the lamp in the bedroom please",),
        "turn_off_device(device=lamp, room=bedroom)",
    ),
    (
        "several intents",
        "en",
        ("turn the volume up and play some jazz",),
        "volume_up();play_music(genre=jazz)",
    ),
    ("out of scope", "id", ("siapa penemu telepon?",), "none()"),
    ("out of scope", "en", ("who invented the telephone?",), "none()"),
    ("negated", "id", ("tolong jangan nyalakan tv dulu ya",), "none()"),
    ("negated", "en", ("please don't turn on the tv just yet",), "none()"),
    ("corrected", "id", ("pasang alarm jam 5, eh bukan, jam 7",), "set_alarm(time=jam 7)"),
    ("corrected", "en", ("set an alarm for 5, no wait, for 7",), "set_alarm(time=7)"),
    (
        "after an answer",
        "id",
        ("keraskan suaranya", "matikan lampu kamar"),
        "turn_off_device(device=lampu, room=kamar)",
    ),
    (
        "after an answer",
        "en",
        ("turn up the volume", "switch off the lamp in the kitchen"),
        "turn_off_device(device=lamp, room=kitchen)",
    ),
    ("several turns", "id", ("Pasang alarm dong", "jam 6 pagi"), "set_alarm(time=jam 6 pagi)"),
    ("several turns", "en", ("set an alarm for me", "6 am"), "set_alarm(time=6 am)"),
)
_SHOP: tuple[Question, ...] = (
    ("one wish", "id", ("paket INV-90417 sampai mana?",), "order_status(order_id=INV-90417)"),
    ("one wish", "en", ("can I talk to a real person",), "talk_to_agent()"),
    (
        "several intents",
        "en",
        ("cancel order 88-2031 and get me an agent",),
        "cancel_order(order_id=88-2031);talk_to_agent()",
    ),
    ("out of scope", "id", ("siapa penemu telepon?",), "none()"),
    ("out of scope", "en", ("who invented the telephone?",), "none()"),
    ("negated", "id", ("tolong jangan batalkan pesanan INV-3301 ya",), "none()"),
    ("negated", "en", ("please don't cancel order INV-3301",), "none()"),
    (
        "corrected",
        "id",
        ("batalkan pesanan 55-1001, eh salah, 55-1002",),
        "cancel_order(order_id=55-1002)",
    ),
    (
        "corrected",
        "en",
        ("cancel order 55-1001, sorry, 55-1002",),
        "cancel_order(order_id=55-1002)",
    ),
    (
        "after an answer",
        "en",
        ("where is order 88-2031", "can I talk to a real person"),
        "talk_to_agent()",
    ),
    (
        "several turns",
        "id",
        ("Saya mau kembalikan barang", "INV-90417"),
        "return_item(order_id=INV-90417)",
    ),
    (
        "several turns",
        "en",
        ("I want to return something", "INV-90417"),
        "return_item(order_id=INV-90417)",
    ),
)
ASKED: dict[str, tuple[Question, ...]] = {
    "voice_assistant": _VOICE,
    "customer_service": _SHOP,
    "": (*_VOICE[:-2], *_SHOP[-2:]),
}
"""What the demo asks each served model, by scenario."""

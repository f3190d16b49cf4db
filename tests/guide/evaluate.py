"""What the guide's evaluation does, written anew: for clones without its own.

Its two figures with their faults: of a label only the first call counts, of an answer only what
stands before the first "(" is the intent, arguments are compared as sets of texts between commas,
and where there is no "(" it stops. The answers are written freely, without a constraint.
"""

import json
import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

device = "cuda"
MODEL = '/mnt/workspace/model/qwen14b-lora-3e4-256-train/'  # fmt: skip
DATA = '/mnt/workspace/data/testdata.json'  # fmt: skip
SYSTEM = (
    "Anda adalah ahli pengenalan maksud. Anda dapat mengenali maksud berdasarkan pertanyaan "
    "pengguna dan mengembalikan pemanggilan fungsi dan parameter yang sesuai."
)
TURNS = "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"

tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype="auto").to(device)
end = tokenizer.eos_token_id


def write(utterance):
    asked = tokenizer([TURNS.format(SYSTEM, utterance)], return_tensors="pt").to(device)
    ids = model.generate(
        asked.input_ids, max_new_tokens=64, do_sample=False, eos_token_id=end, pad_token_id=end
    )
    return tokenizer.decode(ids[0][asked.input_ids.shape[1] :], skip_special_tokens=True)


with open(DATA, encoding="utf-8") as file:
    rows = json.load(file)
count = ecount = 0
for i in rows:
    gold = i["output"].split(";")[0]
    pred = write(i["instruction"])
    if gold.partition("(")[0] == pred.partition("(")[0]:
        count += 1
        sets = [set(text.strip()[:-1].split("(")[1].split(",")) for text in (gold, pred)]
        ecount += sets[0] == sets[1]
sys.stdout.write(f"Akurasi pengenalan maksud: {count / len(rows)}\n")
sys.stdout.write(f"Akurasi pengenalan parameter: {ecount / len(rows)}\n")

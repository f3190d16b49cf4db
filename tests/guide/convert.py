"""What the guide's conversion of iTAG manifests does, written anew: for clones without its own.

Reads `test_json.manifest` in the working directory and writes `train.json` there: of each line
the utterance and the first answer of the first block whose name begins with `label-`. What fails
is printed and left out, and so, in silence, is a line without such a block.
"""

import json
import sys

rows = []
with open("test_json.manifest", encoding="utf-8") as lines:
    for line in lines:
        try:
            item = json.loads(line)
            utterance = item["data"]["instruction"]
            blocks = [value for name, value in item.items() if name.startswith("label-")]
            for block in blocks[:1]:
                marks = json.loads(block["results"][0]["MarkResult"])
                answer = marks["annotations"][0]["labels"]["output"]
                rows.append({"instruction": utterance, "output": answer})
        except Exception as error:
            sys.stdout.write(f"left out ({error}): {line}")
with open("train.json", "w", encoding="utf-8") as file:
    json.dump(rows, file, ensure_ascii=False, indent=4)

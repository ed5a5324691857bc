"""Writes python-formats.json: numbers as Python itself formats them, [value, specification, kind, text]."""
import json
import pathlib
import random

SPECS = [
    "", "d", "02d", "5d", "<6d", "^7d", "+d", "x", "#x", "o", "b", ",d", "_d", ".2f", ".0f", "08.3f", "+.1f", ".1e",
    ".0e", "10.2e", ".3g", ".10g", "g", "#g", "e", "f", ".1%", "%", ".3", ".1", "G", "E", ",.2f", "*>10.2f", " .2f",
    "=+8.1f", "n", "02.0f",
]
VALUES = [0, 3, 40, 1234567, 0.5, 2.5, 0.125, 0.3249, 1e-7, 0.0001, 9.5, 99.95, -0.32, 1e16, 1e22, float("nan"),
          float("inf"), -float("inf")]
random.seed(1)
VALUES += [random.uniform(-1, 1) * 10 ** random.randint(-8, 18) for _ in range(6)]

rows = []
for value in VALUES:
    for spec in SPECS:
        try:
            text = format(value, spec)
        except ValueError:
            continue
        kind = "int" if isinstance(value, int) else "float"
        shown = value if value == value and abs(value) != float("inf") else str(value)
        rows.append([shown, spec, kind, text])
lines = ",\n".join(json.dumps(row) for row in rows)
pathlib.Path(__file__).with_suffix(".json").write_text(f"[\n{lines}\n]\n")

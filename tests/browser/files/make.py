"""How the small files of this folder were made: `pip install pyarrow reportlab`, then run this."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from reportlab.pdfgen import canvas

HERE = Path(__file__).parent
ROWS = 120
table = pa.table(
    {
        "id": pa.array(range(ROWS), pa.int64()),
        "score": [None if n == 7 else (n * 37 % 101) / 10 for n in range(ROWS)],
        "label": [f"part {n:03}" for n in range(ROWS)],
        "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in range(ROWS)],
        "price": [decimal.Decimal(n) / 4 for n in range(ROWS)],
        "box": [{"x": n, "tags": ["<b>bold</b>", str(n)]} for n in range(ROWS)],
        "raw": [b"\x00\xff" * n for n in range(ROWS)],
        "huge": pa.array([2**62 + n for n in range(ROWS)], pa.int64()),
    }
)
for codec in ("snappy", "gzip", "zstd", "brotli", "lz4", "none"):
    pq.write_table(table, HERE / f"{codec}.parquet", compression=codec, row_group_size=50)
pq.write_table(pa.table({f"c{n}": [n] for n in range(70)}), HERE / "wide.parquet")

pdf = canvas.Canvas(str(HERE / "report.pdf"), invariant=True)
for number in range(3):
    pdf.drawString(72, 720, f"Surface inspection, page {number + 1}")
    pdf.showPage()
pdf.save()

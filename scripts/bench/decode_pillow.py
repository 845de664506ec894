#!/usr/bin/env python3
"""What decode.mjs asks of rethink-gen, by Pillow: decode, scale the shorter side, cut to the center.

Reads a JSON list of [file, offset, bytes] on stdin; prints images per second, start of processes and imports excluded.
"""

import argparse
import io
import json
import multiprocessing
import os
import sys
import time

import PIL
from PIL import Image

WHOLE = 64 * 2**20  # rethink-gen's mark for a file that is one image


def decode(job):
    (path, offset, size), side = job
    with open(path, "rb") as file:
        file.seek(int(offset))
        data = file.read() if size == WHOLE else file.read(size)
    image = Image.open(io.BytesIO(data))
    # As libvips does: a JPEG is decoded at a fraction of its size where that is still large enough.
    image.draft("RGB", (side, side))
    image = image.convert("RGB")
    width, height = image.size
    scale = side / min(width, height)
    width, height = max(side, round(width * scale)), max(side, round(height * scale))
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    left, top = (width - side) // 2, (height - side) // 2
    return len(image.crop((left, top, left + side, top + side)).tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    jobs = [(place, options.size) for place in json.load(sys.stdin)]
    expected = options.size * options.size * 3
    with multiprocessing.Pool(options.processes) as pool:
        pool.map(decode, jobs[: 8 * options.processes])
        start = time.perf_counter()
        for length in pool.imap_unordered(decode, jobs, chunksize=16):
            if length != expected:
                sys.exit(f"an image has {length} bytes, not {expected}")
        seconds = time.perf_counter() - start
    print(json.dumps({"images_per_second": len(jobs) / seconds, "pillow": PIL.__version__}))


if __name__ == "__main__":
    main()

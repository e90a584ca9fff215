#!/usr/bin/env bash
# A good guess: an S3 upload is all or nothing, so an exception inside "with fs.open(key, 'wb')"
#   leaves no object.
# What happens: leaving the block closes the file, and closing completes the upload, small or
#   multipart: the key appears with what was written so far. Only fs.transaction discards it.
# Versions: s3fs and fsspec 2026.9.0, against moto 5.2.5.
# Why it matters: a track log cut off in the middle looks done to the next run, which skips the
#   clip, and to every reader that waits for the key. Write to another key and move it, or use a
#   transaction.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  s3fs==2026.9.0 fsspec==2026.9.0 "moto[s3]==5.2.5" flask==3.1.3 flask-cors==6.0.5
export AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=us-east-1
"$work/venv/bin/python" - <<'PY'
import contextlib
import logging

import fsspec
import s3fs
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
fs = s3fs.S3FileSystem(endpoint_url=f"http://127.0.0.1:{server.get_host_and_port()[1]}")
fs.mkdir("tracks")
print("s3fs", s3fs.__version__, "fsspec", fsspec.__version__)


def fail_after(key, chunks, within):
    with contextlib.suppress(RuntimeError), within, fs.open(key, "wb") as out:
        for chunk in chunks:
            out.write(chunk)
        raise RuntimeError("the run stops here")
    fs.invalidate_cache()
    left = fs.info(key)["size"] if fs.exists(key) else None
    print(f"{key}: {left} bytes published")
    return left


half = b'{"frames": [1, 2'
small = fail_after("tracks/small.json", [half], contextlib.nullcontext())
large = fail_after("tracks/large.json", [half, bytes(60 << 20)], contextlib.nullcontext())
safe = fail_after("tracks/safe.json", [half], fs.transaction)
server.stop()
assert small == len(half), "CHANGED: a failed small write is no longer published"
assert large == len(half) + (60 << 20), "CHANGED: a failed multipart write is no longer published"
assert safe is None, "CHANGED: a transaction no longer discards a failed write"
PY

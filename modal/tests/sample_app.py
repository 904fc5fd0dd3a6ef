"""A small wrapped app for tests. It behaves like the real ones, without a GPU."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

app = FastAPI()


def png(seed: bytes) -> bytes:
    """Draw a valid 8x8 picture that depends on `seed`."""
    pixels = hashlib.sha512(seed).digest() * 3
    rows = b"".join(b"\0" + pixels[y * 24 : y * 24 + 24] for y in range(8))

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def journal(body: Any, event: str) -> None:
    """Append one line to the run journal: what really ran, told by the app itself."""
    name = os.environ.get("SAMPLE_JOURNAL")
    if name:
        line = {"at": time.time(), "pid": os.getpid(), "event": event, "tag": body.get("test_tag")}
        with Path(name).open("a") as file:  # one short append is atomic
            file.write(json.dumps(line) + "\n")


async def produce(body: Any) -> bytes:
    """Work for `test_seconds` and return the picture."""
    journal(body, "begin")
    await asyncio.sleep(float(body.get("test_seconds", 0)))
    journal(body, "end")
    seed = {k: v for k, v in body.items() if k != "test_seconds"}
    return png(json.dumps(seed, sort_keys=True).encode())


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "healthy", "app": "sample"}


@app.post("/flux-dev")
async def flux_dev(request: Request) -> Response:
    data = await produce(await request.json())
    return Response(data, media_type="image/jpeg")  # declared, not detected, as upstream


@app.post("/flux-pulid")
async def flux_pulid(request: Request) -> Response:
    data = await produce(await request.json())
    headers = {"X-Cost-USD": "0.012500", "X-GPU-Type": "L40S"}
    return Response(data, media_type="image/jpeg", headers=headers)


@app.post("/broken")
async def broken(request: Request) -> Response:
    journal(await request.json(), "begin")
    content = {"error": "CUDA out of memory", "details": "Traceback ...", "type": "RuntimeError"}
    return JSONResponse(content, 500)


@app.post("/lora")
async def lora() -> Response:
    raise HTTPException(404, "LoRA not found: x.safetensors")


@app.get("/loras")
async def loras(limit: int = 10) -> dict[str, Any]:
    return {"loras": [], "count": 0, "limit": limit}


@app.post("/crash")
async def crash() -> Response:
    os._exit(3)

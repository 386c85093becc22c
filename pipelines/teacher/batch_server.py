"""The Batch API of a local teacher: files of requests, answered in the background.

    POST /v1/files              multipart: purpose=batch, file=<JSONL> -> {"id": "file-1", ...}
    GET  /v1/files/ID/content   the file as it is
    POST /v1/batches            {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "metadata": {...}}
    GET  /v1/batches, /v1/batches/ID
    POST /v1/batches/ID/cancel

A line asks with ``custom_id`` in place of the request-id header. Latency, slots and faults are those of the chat
endpoint; its quota does not count here. Files and batches live in memory, as long as the server.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from pipelines.teacher.behaviour import Counts

Reply = Callable[[dict[str, Any], str], Awaitable[tuple[int, dict[str, Any]]]]
"""(body, custom id) -> HTTP status and body of the answer."""


class BatchServer:
    """The files and batches of one server."""

    def __init__(self, reply: Reply, counts: Counts) -> None:
        """``counts.batches`` counts the batches made."""
        self._reply = reply
        self._counts = counts
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._work: dict[str, asyncio.Task[None]] = {}

    def add_routes(self, app: web.Application) -> None:
        """Take the Batch API's paths."""
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        app.router.add_post("/v1/batches/{id}/cancel", self._cancel)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
            return _refused(400, "expected a file with purpose 'batch'")
        return web.json_response(self._keep(file.file.read(), "batch"))

    def _keep(self, content: bytes, purpose: str) -> dict[str, Any]:
        file_id = f"file-{len(self._files) + 1}"
        self._files[file_id] = content
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": f"{file_id}.jsonl",
            "purpose": purpose,
            "status": "processed",
        }

    async def _content(self, request: web.Request) -> web.Response:
        content = self._files.get(request.match_info["id"])
        return _refused(404, "no such file") if content is None else web.Response(body=content)

    async def _create(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        if asked.get("endpoint") != "/v1/chat/completions" or asked.get("input_file_id") not in self._files:
            return _refused(400, "expected a known input_file_id and the endpoint /v1/chat/completions")
        batch_id = f"batch_{len(self._batches) + 1}"
        batch = {
            "id": batch_id,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "completion_window": asked.get("completion_window", "24h"),
            "status": "validating",
            "created_at": int(time.time()),
            "metadata": asked.get("metadata"),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self._batches[batch_id] = batch
        self._counts.batches += 1
        self._work[batch_id] = asyncio.create_task(self._process(batch))
        return web.json_response(batch)

    async def _list(self, request: web.Request) -> web.Response:
        newest_first = list(reversed(self._batches.values()))
        after = request.query.get("after")
        if after is not None:
            newest_first = newest_first[[batch["id"] for batch in newest_first].index(after) + 1 :]
        limit = int(request.query.get("limit", 20))
        page = newest_first[:limit]
        return web.json_response({"object": "list", "data": page, "has_more": len(newest_first) > limit})

    async def _retrieve(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["id"])
        return _refused(404, "no such batch") if batch is None else web.json_response(batch)

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["id"])
        if batch is None:
            return _refused(404, "no such batch")
        if self._work[batch["id"]].cancel():
            batch["status"] = "cancelling"
        return web.json_response(batch)

    async def _process(self, batch: dict[str, Any]) -> None:
        try:
            lines = [json.loads(line) for line in self._files[batch["input_file_id"]].splitlines()]
            if len({line["custom_id"] for line in lines}) < len(lines) or not lines:
                raise ValueError("a custom_id comes twice, or there is no request")
        except (ValueError, KeyError, TypeError) as error:
            batch["errors"] = {"object": "list", "data": [{"code": "invalid_json_line", "message": str(error)}]}
            batch["status"] = "failed"
            return
        batch["request_counts"]["total"] = len(lines)
        batch["status"] = "in_progress"
        outcomes: list[tuple[int, bytes]] = []
        status = "completed"
        try:
            await asyncio.gather(*(self._line(line, batch, outcomes) for line in lines))
        except asyncio.CancelledError:
            status = "cancelled"
        for field, wanted in (("output_file_id", True), ("error_file_id", False)):
            content = b"".join(line for code, line in outcomes if (code == 200) == wanted)
            if content:
                batch[field] = self._keep(content, "batch_output")["id"]
        batch[f"{status}_at"] = int(time.time())
        batch["status"] = status

    async def _line(self, line: dict[str, Any], batch: dict[str, Any], outcomes: list[tuple[int, bytes]]) -> None:
        code, body = await self._reply(line["body"], line["custom_id"])
        batch["request_counts"]["completed" if code == 200 else "failed"] += 1
        response = {"status_code": code, "request_id": f"req_{line['custom_id']}", "body": body}
        outcome = {"id": f"batch_req_{len(outcomes)}", "custom_id": line["custom_id"], "response": response}
        outcomes.append((code, json.dumps({**outcome, "error": None}).encode() + b"\n"))


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": None}}, status=status)

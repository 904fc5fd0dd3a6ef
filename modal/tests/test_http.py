"""Every row of the wire form, over real HTTP to a real server."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from laptop_server import until

if TYPE_CHECKING:
    import httpx

    from laptop_server import LaptopServer

numbers = itertools.count(1)
FIELDS = {
    "key",
    "state",
    "callId",
    "runs",
    "acceptedAt",
    "startedAt",
    "endedAt",
    "error",
    "seconds",
    "costUsd",
    "headers",
    "mediaType",
    "bytes",
    "sha256",
}


@pytest.fixture
def key() -> str:
    return f"set:1.slot-{next(numbers)}"


def put(http: httpx.Client, key: str, path: str = "/flux-dev", **body: Any) -> httpx.Response:
    return http.put(f"/jobs/{key}", json={"path": path, "body": {"test_tag": key, **body}})


def finish(http: httpx.Client, key: str) -> dict[str, Any]:
    answer = http.get(f"/jobs/{key}", params={"wait": 25})
    assert answer.status_code == 200
    job: dict[str, Any] = answer.json()
    return job


def code(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert isinstance(body["detail"], str)
    return answer.status_code, body["code"]


def test_health_names_the_version(http: httpx.Client) -> None:
    answer = http.get("/health").json()
    assert answer == {"status": "healthy", "app": "sample", "namedJobs": 1}


def test_a_job_from_put_to_result(http: httpx.Client, key: str, shared: LaptopServer) -> None:
    before = time.monotonic()
    accepted = put(http, key, prompt="a cat", test_seconds=0.3)
    assert time.monotonic() - before < 3  # promised is one second; test machines are busy
    assert accepted.status_code == 202
    assert set(accepted.json()) == FIELDS
    assert accepted.json()["state"] in {"queued", "running"}
    job = finish(http, key)
    assert set(job) == FIELDS
    assert job["state"] == "succeeded"
    assert job["runs"] == 1
    assert job["callId"].startswith("fc-")
    assert job["error"] is None
    assert 0.3 <= job["seconds"] < 20
    assert job["costUsd"] == pytest.approx(job["seconds"] * 0.001, abs=2e-6)
    assert job["mediaType"] == "image/jpeg"
    for name in ("acceptedAt", "startedAt", "endedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job[name])
    result = http.get(f"/jobs/{key}/result")
    assert result.status_code == 200
    assert result.headers["content-type"] == "image/jpeg"
    assert result.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(result.content) == job["bytes"]
    assert hashlib.sha256(result.content).hexdigest() == job["sha256"]
    assert result.headers["etag"] == f'"{job["sha256"]}"'
    assert http.get(f"/jobs/{key}/result").content == result.content
    assert shared.begun(key) == 1


def test_the_same_put_again_shows_the_job(
    http: httpx.Client, key: str, shared: LaptopServer
) -> None:
    assert put(http, key, a=1, b=2).status_code == 202
    finish(http, key)
    again = http.put(
        f"/jobs/{key}",
        content=json.dumps({"body": {"b": 2, "a": 1, "test_tag": key}, "path": "/flux-dev"}),
    )
    assert again.status_code == 200
    assert again.json()["state"] == "succeeded"
    assert shared.begun(key) == 1


def test_another_body_or_path_is_refused(http: httpx.Client, key: str) -> None:
    put(http, key, a=1)
    assert code(put(http, key, a=2)) == (409, "other_body")
    assert code(put(http, key, "/flux-pulid", a=1)) == (409, "other_body")


def test_a_voided_key_is_never_accepted(http: httpx.Client, key: str, shared: LaptopServer) -> None:
    for _ in range(2):
        voided = http.post(f"/jobs/{key}/void")
        assert (voided.status_code, voided.json()) == (200, {"key": key, "state": "voided"})
    assert code(put(http, key)) == (410, "voided")
    assert code(http.get(f"/jobs/{key}")) == (410, "voided")
    assert code(http.get(f"/jobs/{key}/result")) == (410, "voided")
    assert code(http.delete(f"/jobs/{key}")) == (410, "voided")
    assert shared.begun(key) == 0


def test_an_accepted_key_cannot_be_voided(http: httpx.Client, key: str) -> None:
    put(http, key)
    answer = http.post(f"/jobs/{key}/void")
    assert code(answer) == (409, "already_accepted")
    assert set(answer.json()["job"]) == FIELDS
    assert finish(http, key)["state"] == "succeeded"


def test_an_unknown_key_was_never_accepted(http: httpx.Client, key: str) -> None:
    assert code(http.get(f"/jobs/{key}")) == (404, "never_accepted")
    assert code(http.get(f"/jobs/{key}/result")) == (404, "never_accepted")
    assert code(http.delete(f"/jobs/{key}")) == (404, "never_accepted")


def test_wait_returns_when_the_job_ends(http: httpx.Client, key: str) -> None:
    put(http, key, test_seconds=0.5)
    before = time.monotonic()
    assert finish(http, key)["state"] == "succeeded"
    assert 0.3 < time.monotonic() - before < 20


def test_wait_returns_after_its_time(http: httpx.Client, key: str) -> None:
    put(http, key, test_seconds=30)
    before = time.monotonic()
    job = http.get(f"/jobs/{key}", params={"wait": "0.4"}).json()
    assert job["state"] in {"queued", "running"}
    assert 0.3 < time.monotonic() - before < 20
    http.delete(f"/jobs/{key}")


@pytest.mark.parametrize("wait", ["-1", "x", "nan", "inf"])
def test_a_bad_wait_is_refused(http: httpx.Client, key: str, wait: str) -> None:
    assert code(http.get(f"/jobs/{key}", params={"wait": wait})) == (400, "bad_request")


@pytest.mark.parametrize("bad", ["a b", "ä", "x" * 201, "a%2Fb", "a/b", "%00"])
def test_a_bad_key_is_refused(http: httpx.Client, bad: str) -> None:
    body = {"path": "/flux-dev", "body": {}}
    assert code(http.put(f"/jobs/{bad}", json=body)) == (400, "bad_request")
    assert code(http.get(f"/jobs/{bad}")) == (400, "bad_request")
    assert code(http.post(f"/jobs/{bad}/void")) == (400, "bad_request")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "nothing",
        "[]",
        '"x"',
        '{"path": "/x"}',
        '{"body": {}}',
        '{"path": "x", "body": {}}',
        '{"path": 7, "body": {}}',
        '{"path": "/x?y=1", "body": {}}',
        '{"path": "/x", "body": NaN}',
        "[" * 100_000,
    ],
)
def test_a_bad_put_is_refused(http: httpx.Client, key: str, raw: str) -> None:
    assert code(http.put(f"/jobs/{key}", content=raw)) == (400, "bad_request")
    assert code(http.get(f"/jobs/{key}")) == (404, "never_accepted")


def test_a_route_error_is_kept_verbatim(http: httpx.Client, key: str) -> None:
    put(http, key, "/broken")
    job = finish(http, key)
    assert job["state"] == "failed"
    assert job["error"]["code"] == "route_error"
    assert job["error"]["status"] == 500
    assert job["error"]["contentType"] == "application/json"
    assert json.loads(job["error"]["body"])["type"] == "RuntimeError"
    assert job["sha256"] is None
    refused = http.get(f"/jobs/{key}/result")
    assert code(refused) == (409, "not_finished")
    assert refused.json()["job"]["state"] == "failed"


@pytest.mark.parametrize("path", ["/lora", "/no-such-route"])
def test_a_route_that_answers_404_fails_the_job(http: httpx.Client, key: str, path: str) -> None:
    put(http, key, path)
    job = finish(http, key)
    assert (job["state"], job["error"]["status"]) == ("failed", 404)
    if path == "/lora":
        assert json.loads(job["error"]["body"]) == {"detail": "LoRA not found: x.safetensors"}


def test_the_routes_own_price_and_headers_are_told(http: httpx.Client, key: str) -> None:
    put(http, key, "/flux-pulid")
    job = finish(http, key)
    assert job["costUsd"] == 0.0125
    assert job["headers"] == {"x-cost-usd": "0.012500", "x-gpu-type": "L40S"}


def test_a_result_asked_too_early(http: httpx.Client, key: str) -> None:
    put(http, key, test_seconds=20)
    answer = http.get(f"/jobs/{key}/result")
    assert code(answer) == (409, "not_finished")
    assert answer.json()["job"]["key"] == key
    http.delete(f"/jobs/{key}")


def test_ranges(http: httpx.Client, key: str) -> None:
    put(http, key)
    finish(http, key)
    whole = http.get(f"/jobs/{key}/result")
    size = len(whole.content)

    def part(value: str, **more: str) -> httpx.Response:
        return http.get(f"/jobs/{key}/result", headers={"range": value, **more})

    first = part("bytes=0-7")
    assert first.status_code == 206
    assert first.content == whole.content[:8]
    assert first.headers["content-range"] == f"bytes 0-7/{size}"
    assert part("bytes=10-").content == whole.content[10:]
    assert part("bytes=-5").content == whole.content[-5:]
    assert part(f"bytes=3-{size + 100}").content == whole.content[3:]
    beyond = part(f"bytes={size}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert part("bytes=0-1,3-4").status_code == 200
    assert part("lines=1-2").status_code == 200
    assert part("bytes=0-1", **{"if-range": '"other"'}).status_code == 200
    assert part("bytes=0-1", **{"if-range": whole.headers["etag"]}).status_code == 206
    same = http.get(f"/jobs/{key}/result", headers={"if-none-match": whole.headers["etag"]})
    assert same.status_code == 304
    head = http.head(f"/jobs/{key}/result")
    assert (head.status_code, head.headers["content-length"], head.content) == (
        200,
        str(size),
        b"",
    )


def test_a_running_job_is_stopped(http: httpx.Client, key: str, shared: LaptopServer) -> None:
    put(http, key, test_seconds=60)
    until(lambda: shared.begun(key))
    stopped = http.delete(f"/jobs/{key}").json()
    assert set(stopped) == FIELDS | {"stopped", "billing"}
    assert (stopped["state"], stopped["stopped"], stopped["runs"]) == ("cancelled", True, 1)
    assert stopped["billing"]["billed"] is True
    assert 0 < stopped["billing"]["seconds"] < 30
    assert stopped["billing"]["costUsd"] > 0
    again = http.delete(f"/jobs/{key}").json()
    assert again == stopped
    time.sleep(0.3)
    assert shared.begun(key) == 1
    assert not [e for e in shared.journal() if e["tag"] == key and e["event"] == "end"]
    assert http.get(f"/jobs/{key}").json()["state"] == "cancelled"
    assert code(http.get(f"/jobs/{key}/result")) == (409, "not_finished")
    assert put(http, key, test_seconds=60).status_code == 200  # stays cancelled


def test_a_queued_job_is_stopped_for_nothing(
    http: httpx.Client, key: str, shared: LaptopServer
) -> None:
    blockers = [f"{key}-block-{i}" for i in range(5)]  # the server runs five at once
    for blocker in blockers:
        put(http, blocker, test_seconds=60)
    until(lambda: all(shared.begun(b) for b in blockers))
    put(http, key)
    stopped = http.delete(f"/jobs/{key}").json()
    for blocker in blockers:
        http.delete(f"/jobs/{blocker}")
    assert (stopped["state"], stopped["stopped"], stopped["runs"]) == ("cancelled", True, 0)
    assert stopped["billing"] == {"billed": False, "seconds": 0.0, "costUsd": 0.0}
    after = f"{key}-after"
    put(http, after)
    assert finish(http, after)["state"] == "succeeded"
    assert shared.begun(key) == 0


def test_an_ended_job_is_not_stopped(http: httpx.Client, key: str) -> None:
    put(http, key)
    job = finish(http, key)
    answer = http.delete(f"/jobs/{key}").json()
    assert answer["stopped"] is False
    assert answer["state"] == "succeeded"
    assert answer["billing"] == {
        "billed": True,
        "seconds": job["seconds"],
        "costUsd": job["costUsd"],
    }


def test_a_big_body_arrives_whole(http: httpx.Client, key: str) -> None:
    image = base64.b64encode(bytes(range(256)) * 16 * 1024).decode()  # more than 5 MB
    put(http, key, reference_image=image)
    assert put(http, key, reference_image=image).status_code == 200
    big = finish(http, key)
    put(http, f"{key}-b", reference_image=image[:-8])
    assert big["state"] == "succeeded"
    assert finish(http, f"{key}-b")["sha256"] != big["sha256"]


def test_a_swept_result_is_gone(http: httpx.Client, key: str, shared: LaptopServer) -> None:
    from modal_named_jobs.bodies import key_hash

    put(http, key)
    finish(http, key)
    for file in (shared.data / "results").glob(f"{key_hash(key)}-*"):
        file.unlink()
    assert code(http.get(f"/jobs/{key}/result")) == (410, "result_gone")
    assert http.get(f"/jobs/{key}").json()["state"] == "succeeded"


def test_other_routes_are_passed_on(http: httpx.Client) -> None:
    assert http.get("/loras", params={"limit": 3}).json()["limit"] == 3
    picture = http.post("/flux-dev", json={"prompt": "x"})
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\x89PNG")
    assert http.post("/broken", json={}).status_code == 500
    assert http.post("/no-such-route").json() == {"detail": "Not Found"}
    assert http.get("/flux-dev").status_code == 405


def test_unknown_job_routes_do_not_reach_the_app(http: httpx.Client, key: str) -> None:
    assert code(http.post(f"/jobs/{key}", json={})) == (400, "bad_request")
    assert code(http.get(f"/jobs/{key}/void")) == (400, "bad_request")

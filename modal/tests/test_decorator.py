"""The decorator on real `modal.App` objects, offline."""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import modal
import modal.exception
import pytest
from modal._functions import _Function
from modal._runtime.container_io_manager import _ContainerIOManager
from modal._utils.async_utils import synchronizer
from modal_proto import api_pb2
from starlette.applications import Starlette

import wrapped_apps
from modal_named_jobs import named_jobs
from modal_named_jobs.decorator import storage_names
from modal_named_jobs.modal_private import read_marks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def state(app: modal.App) -> Any:
    inner: Any = synchronizer._translate_in(app)  # type: ignore[no-untyped-call]
    return inner._local_state


def below(image: modal.Image) -> list[Any]:
    """What an image is made of: the one below, and the files that were added."""
    inner: Any = synchronizer._translate_in(image)  # type: ignore[no-untyped-call]
    return [synchronizer._translate_out(part) for part in inner._deps()]  # type: ignore[no-untyped-call]


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What each function of the wrapped apps is registered with, by its name."""
    seen: dict[str, dict[str, Any]] = {}
    original = _Function._from_local

    def recording(info: Any, **options: Any) -> Any:
        seen[info.function_name] = options
        return original(info, **options)

    monkeypatch.setattr(_Function, "_from_local", recording)
    importlib.reload(wrapped_apps)
    return seen


def test_one_web_endpoint_remains() -> None:
    for app in (wrapped_apps.app, wrapped_apps.app2, wrapped_apps.app3, wrapped_apps.app4):
        assert len(state(app).web_endpoints) == 1


Specs = dict[str, dict[str, Any]]


def test_the_class_keeps_what_it_was_given(specs: Specs) -> None:
    service = specs["ComfyUI.*"]
    assert (service["gpu"], service["timeout"], service["scaledown_window"]) == ("L40S", 1800, 300)
    assert service["max_concurrent_inputs"] == 5
    methods = state(wrapped_apps.app).classes["ComfyUI"]._method_partials
    assert list(methods) == ["named_jobs_entry"]


def test_the_gateway_needs_no_gpu_and_has_the_old_url(specs: Specs) -> None:
    name = "ComfyUI_named_jobs_gateway"
    assert state(wrapped_apps.app).web_endpoints == [name]
    spec = specs[name]
    assert spec["gpu"] is None
    config = spec["webhook_config"]
    assert config.type == api_pb2.WEBHOOK_TYPE_ASGI_APP
    assert config.requested_suffix == "ryla-flux-comfyui-fastapi-app"
    assert config.requires_proxy_auth is False


@pytest.mark.parametrize("target", ["ComfyUI", "Wan", "web", "web2"])
def test_the_gateway_holds_many_who_wait(specs: Specs, target: str) -> None:
    """And a second one is begun before the first is full."""
    spec = specs[f"{target}_named_jobs_gateway"]
    assert (spec["max_concurrent_inputs"], spec["target_concurrent_inputs"]) == (1000, 800)


def test_the_gateway_may_have_an_image_of_its_own(specs: Specs) -> None:
    assert specs["Wan_named_jobs_gateway"]["image"] is specs["Wan.*"]["image"]
    assert wrapped_apps.slim in below(specs["Big_named_jobs_gateway"]["image"])
    assert wrapped_apps.image in below(specs["Big.*"]["image"])


def test_a_container_finds_the_gateway_by_module_and_name() -> None:
    function = state(wrapped_apps.app).functions["ComfyUI_named_jobs_gateway"]
    info = function._source_info
    assert not info.is_serialized()
    assert info.module_name == "wrapped_apps"
    registered = getattr(sys.modules[info.module_name], info.implementation_name)
    assert isinstance(registered, modal.Function)
    assert synchronizer._translate_in(registered) is function  # type: ignore[no-untyped-call]


def test_label_and_proxy_auth_are_taken_over(specs: Specs) -> None:
    config = specs["Wan_named_jobs_gateway"]["webhook_config"]
    assert (config.requested_suffix, config.requires_proxy_auth) == ("my-own-label", True)
    assert specs["Wan.*"]["max_concurrent_inputs"] == 3


@pytest.mark.parametrize("name", ["web", "web2"])
def test_a_plain_function(specs: Specs, name: str) -> None:
    gpu = specs[name]
    assert (gpu["gpu"], gpu["webhook_config"], gpu["max_concurrent_inputs"]) == ("L40S", None, 4)
    config = specs[f"{name}_named_jobs_gateway"]["webhook_config"]
    assert config.requires_proxy_auth is (name == "web")
    app = "ryla-plain" if name == "web" else "ryla-plain-2"
    assert config.requested_suffix == f"{app}-{name}"


def test_a_gateway_container_can_load_it(specs: Specs) -> None:
    """Through the client's own code for the start of a container."""
    from modal._runtime.user_code_imports import import_single_function_service

    name = "ComfyUI_named_jobs_gateway"
    definition = api_pb2.Function(
        module_name="wrapped_apps",
        implementation_name=name,
        webhook_config=specs[name]["webhook_config"],
    )
    service = import_single_function_service(definition, None)
    manager: Any = None
    assert service.get_finalized_functions(definition, manager)[""].is_async


@pytest.mark.parametrize("name", ["web", "web2"])
def test_a_gpu_container_can_load_a_function(name: str) -> None:
    from modal._runtime.user_code_imports import import_single_function_service

    definition = api_pb2.Function(module_name="wrapped_apps", implementation_name=name)
    service = import_single_function_service(definition, None)
    manager: Any = None
    found = service.get_finalized_functions(definition, manager)[""]
    assert (found.is_async, found.is_generator) == (True, False)


async def test_the_entry_calls_the_wrapped_app() -> None:
    from modal_named_jobs.ports import WebRequest

    request = WebRequest("GET", "/loras", "limit=2", [], b"")
    answer = await wrapped_apps.ComfyUI().named_jobs_entry.local("forward", request)  # type: ignore[attr-defined]
    assert (answer.status, b'"limit":2' in answer.body) == (200, True)
    function: Any = wrapped_apps.web
    answer = await function.local("forward", request)
    assert answer.status == 200


@pytest.mark.parametrize("target", ["class", "function"])
async def test_a_container_whose_app_fails_to_start_twice_ends(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the client's own request to Modal's server. A fresh container takes its place."""
    from modal_named_jobs.ports import WebRequest

    asked: list[Any] = []

    async def stop(request: Any, **_more: Any) -> None:
        asked.append(request)
        raise modal.exception.ServiceError("the error of the app is to be answered all the same")

    client = SimpleNamespace(_stub=SimpleNamespace(ContainerStop=stop))
    manager = SimpleNamespace(task_id="ta-1", _client=client)
    monkeypatch.setattr(_ContainerIOManager, "_singleton", manager)
    monkeypatch.setattr(wrapped_apps, "web_app", Starlette(lifespan=no_weights))
    entry: Any = wrapped_apps.web2
    if target == "class":
        entry = wrapped_apps.ComfyUI().named_jobs_entry  # type: ignore[attr-defined]
    for times in (1, 2):
        with pytest.raises(RuntimeError, match="no weights"):
            await entry.local("forward", WebRequest("GET", "/loras", "", [], b""))
        assert len(asked) == times - 1
    assert (asked[0].task_id, asked[0].graceful) == ("ta-1", True)


@contextlib.asynccontextmanager
async def no_weights(_app: Starlette) -> AsyncIterator[None]:
    raise RuntimeError("no weights")
    yield


def test_private_marks_of_the_modal_package() -> None:
    """Fails when a new modal release changes what `read_marks` relies on."""

    @modal.concurrent(max_inputs=7, target_inputs=6)
    @modal.asgi_app(label="a-label", requires_proxy_auth=True, custom_domains=["x.example"])
    def made() -> Any:
        return None

    marks = read_marks(made)
    assert marks is not None
    assert marks.is_asgi_app
    assert marks.function is not None
    assert marks.function.__name__ == "made"
    assert (marks.label, marks.requires_proxy_auth) == ("a-label", True)
    assert marks.custom_domains == ["x.example"]
    assert (marks.max_inputs, marks.target_inputs) == (7, 6)
    assert read_marks(object()) is None


def test_what_cannot_be_wrapped_is_refused() -> None:
    app = modal.App("x")
    with pytest.raises(TypeError, match="must have one"):
        named_jobs(app)(type("NoWeb", (), {}))
    with pytest.raises(TypeError, match="directly under"):
        named_jobs(app)(print)


def test_a_retry_by_modal_is_refused_because_it_would_be_paid_again() -> None:
    with pytest.raises(TypeError, match="retries"):
        named_jobs.cls(modal.App("x"), image=modal.Image.debian_slim(), retries=3)
    with pytest.raises(TypeError, match="retries"):
        named_jobs.function(modal.App("x"), image=modal.Image.debian_slim(), retries=3)


def test_long_names_of_the_storage_stay_apart() -> None:
    app = modal.App("a" * 60)
    names = {storage_names(app, target)[0] for target in ("ComfyUI", "ComfyUi2")}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)


def test_names_of_the_storage() -> None:
    assert storage_names(wrapped_apps.app, "ComfyUI") == (
        "ryla-flux-comfyui-named-jobs",
        "ryla-flux-comfyui-named-jobs",
    )

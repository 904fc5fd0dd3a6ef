"""`named_jobs`: puts the gateway in front of a Modal app's ASGI class or function.

The class keeps its GPU, image, volumes and concurrency. Its ASGI method becomes an ordinary method
of the class, and one CPU function takes over the web endpoint under the same URL. So the number of
web endpoints stays as it was; a plan allows only a few.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import modal

from .asgi import InProcessApp
from .config import Settings
from .gateway import create_gateway
from .jobs import NamedJobs
from .modal_backend import ModalRunner, ModalStore, end_container
from .modal_private import Marked, read_marks
from .runs import JobRun

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
ENTRY = "named_jobs_entry"
LEAVE = "named_jobs_leave"
LONGEST_STEM = 48
# Nearly all of them only wait for a job to end. Beyond the target Modal starts a second gateway;
# the requests that come until it is there still fit in: a PUT never waits for a cold start.
GATEWAY_INPUTS = 1000
GATEWAY_TARGET = 800


@dataclass(frozen=True)
class Options:
    """What `named_jobs` was given."""

    app: modal.App
    image: modal.Image | None
    settings: Settings
    label: str | None
    requires_proxy_auth: bool | None
    min_containers: int
    timeout: int


class NamedJobsDecorator:
    """The decorator. Also replaces `app.cls` and `app.function` in one step."""

    def __call__(
        self,
        app: modal.App,
        *,
        image: modal.Image | None = None,
        usd_per_second: float | None = None,
        label: str | None = None,
        requires_proxy_auth: bool | None = None,
        min_containers: int = 1,
        timeout: int = 3600,
        settings: Settings | None = None,
    ) -> Callable[[T], T]:
        """Wrap a class below `@app.cls` or a function below `@app.function`.

        Args:
            app: The Modal app.
            image: Image of the gateway. It must be able to import the module of the app and
                this package; usually the image of the class.
            usd_per_second: Price of a GPU second, for `costUsd`.
            label: Label of the endpoint; by default the one it has without this decorator.
            requires_proxy_auth: Have Modal require its proxy auth; by default as before.
            min_containers: Gateways that are kept warm, so that a PUT never waits for a container.
                With 0 an idle one costs nothing, and the first PUT waits for a CPU container.
            timeout: Longest forwarded request, in seconds.
            settings: Times and limits.

        """
        chosen = settings or Settings()
        if usd_per_second is not None:
            chosen = replace(chosen, usd_per_second=usd_per_second)
        options = Options(app, image, chosen, label, requires_proxy_auth, min_containers, timeout)

        def wrap(target: T) -> T:
            marks = read_marks(target)
            if isinstance(target, type):
                _wrap_class(target, options)
                return target
            if marks is not None and marks.user_class is not None:  # @modal.concurrent is below
                _wrap_class(marks.user_class, options)
                return target
            if marks is not None and marks.is_asgi_app:
                wrapped: T = _wrap_function(marks, options)
                return wrapped
            raise TypeError("Put @named_jobs(app) directly under @app.cls or @app.function.")

        return wrap

    def cls(
        self, app: modal.App, *, image: modal.Image, named: dict[str, Any] | None = None, **own: Any
    ) -> Callable[[T], T]:
        """Do what `@app.cls(image=image, **own)` over `@named_jobs(app, **named)` does.

        It also adds this package to the image. `named` may hold another `image` for the gateway.
        """
        _refuse_retries(own)
        with_us = image.add_local_python_source("modal_named_jobs")
        inner: Callable[[T], T] = self(app, **_for_the_gateway(with_us, named))
        outer: Any = app.cls(image=with_us, **own)
        return lambda target: outer(inner(target))

    def function(
        self, app: modal.App, *, image: modal.Image, named: dict[str, Any] | None = None, **own: Any
    ) -> Callable[[Any], Any]:
        """Do the same for `@app.function`."""
        _refuse_retries(own)
        with_us = image.add_local_python_source("modal_named_jobs")
        inner: Callable[[Any], Any] = self(app, **_for_the_gateway(with_us, named))
        outer: Any = app.function(image=with_us, **own)
        return lambda target: outer(inner(target))


def _refuse_retries(own: dict[str, Any]) -> None:
    if "retries" in own:
        raise TypeError("Leave `retries` out: a job that failed would be run and paid again.")


def _for_the_gateway(with_us: modal.Image, named: dict[str, Any] | None) -> dict[str, Any]:
    options = dict(named or {})
    own: modal.Image | None = options.get("image")
    options["image"] = own.add_local_python_source("modal_named_jobs") if own else with_us
    return options


named_jobs = NamedJobsDecorator()


def storage_names(app: modal.App, target: str) -> tuple[str, str]:
    """Name the Dict and the Volume of a wrapped class or function."""
    stem = re.sub("[^a-z0-9-]", "-", f"{app.name}-{target}".lower())
    if len(stem) > LONGEST_STEM:  # Two long names must not share one Dict.
        digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
        stem = f"{stem[: LONGEST_STEM - 9]}-{digest}"
    return f"{stem}-named-jobs", f"{stem}-named-jobs"


def open_store(options: Options, target: str) -> ModalStore:
    """Open the storage; both are created on first use."""
    records, blobs = storage_names(options.app, target)
    return ModalStore(
        modal.Dict.from_name(records, create_if_missing=True),
        modal.Volume.from_name(blobs, create_if_missing=True),
    )


async def serve_entry(
    web: InProcessApp, store: ModalStore, settings: Settings, operation: str, payload: Any
) -> Any:
    """Do what the gateway asks of the GPU container."""
    if operation == "forward":
        return await web.forward(payload)
    call_id = modal.current_function_call_id()
    if call_id is None:
        raise RuntimeError("A job can only be run by a call of Modal.")
    return await JobRun(store, payload, call_id, web.forward, settings).run()


def _wrap_class(user_class: type, options: Options) -> None:
    found = [
        (name, marks)
        for name, value in list(vars(user_class).items())
        if (marks := read_marks(value)) is not None and marks.is_asgi_app
    ]
    if len(found) != 1:
        raise TypeError(f"{user_class.__name__} must have one @modal.asgi_app, not {len(found)}.")
    name, marks = found[0]
    make_app = marks.function
    if make_app is None:
        raise TypeError(f"{user_class.__name__}.{name} is not a method.")

    async def entry(self: Any, operation: str, payload: Any) -> Any:
        web = vars(self).get("_named_jobs_web")
        if web is None:
            web = InProcessApp(make_app(self), end_container)
            self._named_jobs_web = web
            self._named_jobs_store = open_store(options, user_class.__name__)
        return await serve_entry(web, self._named_jobs_store, options.settings, operation, payload)

    entry.__name__ = ENTRY
    entry.__qualname__ = f"{user_class.__qualname__}.{ENTRY}"
    entry.__module__ = user_class.__module__
    setattr(user_class, name, make_app)
    setattr(user_class, ENTRY, modal.method()(entry))

    async def leave(self: Any) -> None:
        web = vars(self).get("_named_jobs_web")
        if web is not None:
            await web.stop()

    setattr(user_class, LEAVE, modal.exit()(leave))

    def gpu_function() -> modal.Function[Any, Any, Any]:
        registered: Any = getattr(sys.modules[user_class.__module__], user_class.__name__)
        method: modal.Function[Any, Any, Any] = getattr(registered(), ENTRY)
        return method

    _add_gateway(
        target=user_class.__name__,
        module=user_class.__module__,
        method=name,
        marks=marks,
        gpu_function=gpu_function,
        options=options,
    )


def _wrap_function(marks: Marked, options: Options) -> Any:
    make_app = marks.function
    if make_app is None:
        raise TypeError("@named_jobs(app) found no function.")
    target, module = make_app.__name__, make_app.__module__
    opened: list[tuple[InProcessApp, ModalStore]] = []

    async def entry(operation: str, payload: Any) -> Any:
        if not opened:
            opened.append((InProcessApp(make_app(), end_container), open_store(options, target)))
        web, store = opened[0]
        return await serve_entry(web, store, options.settings, operation, payload)

    # Not functools.wraps: its __wrapped__ would show Modal the signature of the old function.
    entry.__name__ = target
    entry.__qualname__ = make_app.__qualname__
    entry.__module__ = module

    def gpu_function() -> modal.Function[Any, Any, Any]:
        registered: modal.Function[Any, Any, Any] = getattr(sys.modules[module], target)
        return registered

    _add_gateway(
        target=target,
        module=module,
        method=None,
        marks=marks,
        gpu_function=gpu_function,
        options=options,
    )
    if marks.max_inputs is None:
        return entry
    return modal.concurrent(max_inputs=marks.max_inputs, target_inputs=marks.target_inputs)(entry)


def default_label(app: modal.App, target: str, method: str | None) -> str:
    """Write the label Modal gives by itself: app, class and method (or app and function)."""
    if app.name is None:
        raise TypeError("Give the app a name, or named_jobs a label.")
    parts = [app.name, target, method] if method else [app.name, target]
    return re.sub("[^a-z0-9-]", "-", "-".join(parts).lower())


def _add_gateway(
    *,
    target: str,
    module: str,
    method: str | None,
    marks: Marked,
    gpu_function: Callable[[], modal.Function[Any, Any, Any]],
    options: Options,
) -> None:
    def gateway() -> Any:
        runner = ModalRunner(gpu_function)
        jobs = NamedJobs(open_store(options, target), runner, options.settings)
        return create_gateway(jobs, runner, options.app.name or target)

    # A container finds a function by importing its module and taking the attribute of that name.
    name = f"{target}_named_jobs_gateway"
    gateway.__name__ = gateway.__qualname__ = name
    gateway.__module__ = module
    auth = options.requires_proxy_auth
    endpoint = modal.asgi_app(
        label=options.label or marks.label or default_label(options.app, target, method),
        custom_domains=marks.custom_domains or None,
        requires_proxy_auth=marks.requires_proxy_auth if auth is None else auth,
    )(gateway)
    registered: Any = options.app.function(
        image=options.image,
        cpu=0.125,
        memory=512,
        min_containers=options.min_containers,
        scaledown_window=300,
        timeout=options.timeout,
    )(modal.concurrent(max_inputs=GATEWAY_INPUTS, target_inputs=GATEWAY_TARGET)(endpoint))
    setattr(sys.modules[module], name, registered)

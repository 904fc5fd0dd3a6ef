"""Modal apps as customers write them; building them needs no account."""

from __future__ import annotations

from typing import Any

import modal

from modal_named_jobs import named_jobs
from sample_app import app as web_app

image = modal.Image.debian_slim()
app = modal.App("ryla-flux")


@app.cls(gpu="L40S", image=image, timeout=1800, scaledown_window=300)
@modal.concurrent(max_inputs=5)
@named_jobs(app, image=image, usd_per_second=0.000542)
class ComfyUI:
    @modal.enter()
    def launch(self) -> None:
        self.launched = True

    @modal.asgi_app()
    def fastapi_app(self) -> Any:
        return web_app


app2 = modal.App("ryla-wan26")


@named_jobs.cls(app2, image=image, gpu="L40S", named={"usd_per_second": 0.000542})
@modal.concurrent(max_inputs=3)
class Wan:
    @modal.asgi_app(label="my-own-label", requires_proxy_auth=True)
    def web(self) -> Any:
        return web_app


app3 = modal.App("ryla-plain")


@app3.function(gpu="L40S", image=image)
@modal.concurrent(max_inputs=4)
@named_jobs(app3, image=image, requires_proxy_auth=True)
@modal.asgi_app()
def web() -> Any:
    return web_app


app4 = modal.App("ryla-plain-2")


@app4.function(gpu="L40S", image=image)
@named_jobs(app4, image=image)
@modal.concurrent(max_inputs=4)
@modal.asgi_app()
def web2() -> Any:
    return web_app


app5 = modal.App("ryla-big")
slim = modal.Image.debian_slim()


@named_jobs.cls(app5, image=image, gpu="L40S", named={"image": slim})
class Big:
    @modal.asgi_app()
    def web(self) -> Any:
        return web_app

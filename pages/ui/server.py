"""Serves Convscope: `python -m pages.ui.server` warms up, then answers at HOST and PORT.

Beside the dashboard it offers `/live/<job>`, a run's pictures as a stream, `/live/<job>/stop`, `/pictures/...`, those of a
map, and `/api/ready`.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from streamlit import config
from streamlit.runtime import get_instance
from streamlit.runtime.pages_manager import PagesManager

from pages.ui import live, served
from pages.ui.problems import tell
from pages.ui.stream import MEDIA_TYPE, messages
from viz_core.jobs import close_schedulers, find_job, is_busy
from viz_core.prepare import Preparation
from viz_core.registry import techniques
from viz_core.result_cache import results
from viz_core.technique import Technique
from viz_core.texts import text

APP = Path(__file__).resolve().parents[2] / "app.py"
PATIENCE_S = 5  # for open connections when the server closes
SETTINGS = {"server.fileWatcherType": "none", "server.headless": True, "browser.gatherUsageStats": False}

_server: uvicorn.Server | None = None


def _closing() -> bool:
    return _server is not None and _server.should_exit


async def live_stream(request: Request) -> Response:
    """The pictures of a job; its id is the permission to see it. 404 where there is no such job (any more)."""
    job = find_job(request.path_params["job_id"])
    if job is None:
        return Response(status_code=404)

    async def is_over() -> bool:
        return _closing() or await request.is_disconnected()

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(messages(job, is_over), media_type=MEDIA_TYPE, headers=headers)


async def live_stop(request: Request) -> Response:
    """End a job early with what it has; its id is the permission to do so. 404 where there is no such job (any more)."""
    job = find_job(request.path_params["job_id"])
    if job is None:
        return Response(status_code=404)
    job.stop()
    return Response(status_code=204)


def _let_app_choose_pages() -> None:
    """Keep Streamlit from serving the files in `pages/` itself until `app.py` has run for the first time."""
    if hasattr(PagesManager, "uses_pages_directory"):
        PagesManager.uses_pages_directory = False


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, bool]]:
    """Run the front page once, which loads what it needs, before the first visitor; end all jobs on closing."""
    _let_app_choose_pages()
    is_warm, _ = await get_instance().does_script_run_without_error()
    preparation = Preparation(default_runs(), results(), is_busy).start()
    try:
        yield {"warm": is_warm}
    finally:
        preparation.close()
        close_schedulers()


def default_runs() -> list[Technique]:
    """What each room shows first, where that takes more than an instant; none with CONVSCOPE_PREPARE=0."""
    if os.environ.get("CONVSCOPE_PREPARE") == "0":
        return []
    return [technique for technique in (kind() for kind in techniques().values() if kind.prepared) if technique.is_live]


def create_app(script: Path = APP) -> st.App:
    """The dashboard with its streams, as an ASGI application."""

    async def ready(request: Request) -> Response:
        """Whether the front page ran without an error when the server warmed up."""
        is_warm = app.state.get("warm", False)
        return JSONResponse({"ready": is_warm}, status_code=200 if is_warm else 503)

    live.offer_streams()
    served.offer_pictures()
    base = st.get_option("server.baseUrlPath").strip("/")
    prefix = f"/{base}" if base else ""
    routes = [
        Route(f"{prefix}/live/{{job_id}}", live_stream),
        Route(f"{prefix}/live/{{job_id}}/stop", live_stop, methods=["POST"]),
        Route(f"{prefix}/api/ready", ready),
        *served.routes(prefix),
    ]
    app = st.App(script, routes=routes, lifespan=lifespan, on_script_error=tell)
    return app


class _Server(uvicorn.Server):
    """Says where it answers as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.config.host, self.servers[0].sockets[0].getsockname()[1]
            shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
            print(text("server.ready", address=f"http://{shown}:{port}"), flush=True)


def _bind(host: str, port: int) -> socket.socket:
    """Take the address before the warm-up, so that one in use is reported at once."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        sys.exit(text("server.address_taken", host=host, port=port, reason=problem.strerror))
    listener.set_inheritable(True)
    return listener


def main(script: Path = APP) -> None:
    """Serve at HOST (default localhost) and PORT (default 8501; 0: any free one) until SIGTERM or Ctrl-C."""
    global _server
    host, given = os.environ.get("HOST") or "localhost", os.environ.get("PORT") or "8501"
    if not given.isdecimal() or int(given) > 65535:
        sys.exit(text("server.bad_port", port=given))
    listener = _bind(host, int(given))
    for option, value in {**SETTINGS, "server.address": host, "server.port": listener.getsockname()[1]}.items():
        config.set_option(option, value)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(text("server.warming_up"), flush=True)
    _server = _Server(
        uvicorn.Config(
            create_app(script),
            host=host,
            log_level="warning",
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=st.get_option("server.maxMessageSize") * 2**20,
            timeout_graceful_shutdown=PATIENCE_S,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        _server.run(sockets=[listener])


if __name__ == "__main__":
    main()

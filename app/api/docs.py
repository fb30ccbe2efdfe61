"""Swagger UI at /docs, from files of our own: a team's network need not reach anybody else's."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.api.gate import Public

PAGE = "/docs"
ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Add the page; its scripts and styles come with the package fastapi-offline, which is not run."""

    @app.get(PAGE, include_in_schema=False, dependencies=[Depends(Public("it says how to log in"))])
    async def get_docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=str(app.openapi_url),
            title=f"{app.title} API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
            swagger_ui_parameters={"persistAuthorization": True},
        )

    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package fastapi-offline is missing: install the locked requirements")
    app.mount(ASSETS, StaticFiles(directory=Path(spec.origin).parent / "static"), name="docs-assets")
